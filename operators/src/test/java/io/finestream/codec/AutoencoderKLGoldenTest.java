package io.finestream.codec;

import static io.finestream.Golden.assertClose;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import io.finestream.Golden;
import io.finestream.weights.AutoencoderFiles;
import java.io.IOException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

class AutoencoderKLGoldenTest {

    private static final String FILE = "vae-expected.safetensors";
    private static final Golden GOLDEN = new Golden();

    @AfterAll
    static void close() {
        GOLDEN.close();
    }

    private static AutoencoderKL autoencoder() throws IOException {
        return AutoencoderFiles.load(GOLDEN.ops, GOLDEN.manager, Golden.file("vae"));
    }

    @Test
    void posteriorEqualsTheReference() throws IOException {
        try (NDManager m = GOLDEN.manager.newSubManager()) {
            NDArray moments = autoencoder().moments(m, GOLDEN.tensor(FILE, "image"));
            assertClose("mean", moments.get(new NDIndex(":, :4")), GOLDEN.tensor(FILE, "mean"), 1e-4);
            assertClose("logvar", moments.get(new NDIndex(":, 4:")), GOLDEN.tensor(FILE, "logvar"), 1e-4);
        }
    }

    @Test
    void encodingIsTheMeanTimesTheScalingFactor() throws IOException {
        NDArray latents = autoencoder().encode(GOLDEN.tensor(FILE, "image"));
        assertClose("latents", latents, GOLDEN.tensor(FILE, "mean").mul(0.18215), 1e-4);
    }

    @Test
    void decodedImageEqualsTheReference() throws IOException {
        NDArray image = autoencoder().decode(GOLDEN.tensor(FILE, "latent"));
        assertClose("decoded", image, GOLDEN.tensor(FILE, "decoded"), 1e-4);
    }
}
