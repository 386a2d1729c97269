package io.finestream.tuning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import io.finestream.Golden;
import io.finestream.codec.AutoencoderConfig;
import io.finestream.codec.AutoencoderKL;
import io.finestream.codec.AutoencoderParameters;
import io.finestream.dit.ComputeType;
import io.finestream.dit.Taxonomy;
import io.finestream.torch.TorchOps;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class AutoencoderTrainerTest {

    private static final int SIDE = 16;
    private static final AutoencoderConfig CONFIG = new AutoencoderConfig(3, 4, List.of(8, 16), 1, 4, 1);
    private static final Golden GOLDEN = new Golden();

    @BeforeAll
    static void recordGradients() {
        TorchOps.prepareThread(1, true);
    }

    @AfterAll
    static void close() {
        TorchOps.recordGradients(false);
        GOLDEN.close();
    }

    @ParameterizedTest
    @EnumSource
    void reconstructionImprovesOnASmallProblem(ComputeType computeType) {
        Map<String, NDArray> fresh = AutoencoderParameters.initialise(GOLDEN.manager, CONFIG);
        try (AdamW optimizer = optimizer(fresh);
                NDManager m = GOLDEN.manager.newSubManager()) {
            AutoencoderTrainer trainer = new AutoencoderTrainer(GOLDEN.ops, CONFIG, computeType, optimizer, 1, 1e-4);
            NDArray batch = images().batch(m, 4, new SplittableRandom(1));
            NDArray noise = m.zeros(new Shape(4, 4, SIDE / 2, SIDE / 2));
            AutoencoderTrainer.StepResult first = trainer.step(m, batch, noise, 5e-3);
            AutoencoderTrainer.StepResult last = first;
            for (int step = 1; step < 25; step++) {
                last = trainer.step(m, batch, noise, 5e-3);
            }
            assertThat(last.pixels()).isLessThan(0.6 * first.pixels());
            assertThat(last.psnr()).isGreaterThan(first.psnr() + 2);
        }
    }

    @Test
    void standardisedLatentsHaveMeanZeroAndDeviationOneAndDecodeToTheSameImage() {
        Map<String, NDArray> fresh = AutoencoderParameters.initialise(GOLDEN.manager, CONFIG);
        TorchOps.recordGradients(false);
        try (NDManager m = GOLDEN.manager.newSubManager()) {
            Map<String, NDArray> standardised =
                    LatentStatistics.of(GOLDEN.ops, m, CONFIG, fresh, images()).standardise(m, fresh);
            NDArray batch = images().batch(m, 64, new SplittableRandom(9));
            AutoencoderKL before = new AutoencoderKL(GOLDEN.ops, CONFIG, fresh);
            AutoencoderKL after = new AutoencoderKL(GOLDEN.ops, CONFIG, standardised);
            NDArray latents = after.encode(batch); // [64, 4, 8, 8]
            for (int channel = 0; channel < 4; channel++) {
                NDArray values = latents.get(new NDIndex(":, " + channel));
                float mean = values.mean().getFloat();
                assertThat(mean).isEqualTo(0, within(0.2f));
                assertThat(values.sub(mean).square().mean().getFloat()).isEqualTo(1, within(0.3f));
            }
            Golden.assertClose("decoded", after.decode(latents), before.decode(before.encode(batch)), 1e-4);
        } finally {
            TorchOps.recordGradients(true);
        }
    }

    private static AdamW optimizer(Map<String, NDArray> initial) {
        return new AdamW(GOLDEN.ops, GOLDEN.manager, initial, name -> true, AdamW.Options.REFERENCE);
    }

    /** Discs of several colours and places. */
    private static ImageFolder images() {
        List<byte[]> images = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
            byte[] planes = new byte[3 * SIDE * SIDE];
            for (int k = 0; k < planes.length; k++) {
                double x = k % SIDE - 5 - i % 5;
                double y = k / SIDE % SIDE - 5 - i % 3;
                int channel = k / (SIDE * SIDE);
                planes[k] = (byte) (x * x + y * y < 20 ? 60 * channel + 7 * i : 40 + 10 * i);
            }
            images.add(planes);
        }
        Taxonomy taxonomy = new Taxonomy(List.of("disc"), List.of(new Taxonomy.Subclass("disc", 0)));
        return new ImageFolder(taxonomy, SIDE, List.of(images));
    }
}
