package io.finestream.codec;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import io.finestream.Golden;
import io.finestream.weights.AutoencoderFiles;
import java.io.IOException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Of the small autoencoder that the reference's numbers were made with: eight pixels per cell. */
class AutoencoderKLTest {

    private static final Golden GOLDEN = new Golden();
    private static final int F = 8;

    private final NDManager m = GOLDEN.manager.newSubManager();

    @AfterAll
    static void closeAll() {
        GOLDEN.close();
    }

    @AfterEach
    void close() {
        m.close();
    }

    @Test
    void aLatentOfOneTileIsDecodedAsIfThereWereNone() throws IOException {
        NDArray latents = latents(1, 16, 12);
        assertThat(decode(latents, new LatentTiles(16, 4))).isEqualTo(decode(latents, new LatentTiles(1_000, 4)));
    }

    /** Each tile has group norms and attention of its own, and its border is padded: that is all they differ by. */
    @ParameterizedTest
    @CsvSource({"40, 40", "37, 25", "24, 61", "25, 24"})
    void tilesMakeNearlyTheImageOfOnePiece(int height, int width) throws IOException {
        NDArray latents = latents(2, height, width);
        NDArray tiled = autoencoder(new LatentTiles(24, 6)).decode(latents);
        assertThat(tiled.getShape()).isEqualTo(new Shape(2, 3, (long) height * F, (long) width * F));
        float[] whole = decode(latents, new LatentTiles(1_000, 6));
        Golden.assertClose("tiled " + height + " x " + width, tiled.toFloatArray(), whole, 0.1);
    }

    @Test
    void aLatentOfMoreThanSixtyFourCellsIsDecodedInTiles() throws IOException {
        NDArray latents = latents(1, 8, 65);
        float[] image = autoencoder(LatentTiles.DEFAULT).decode(latents).toFloatArray();
        assertThat(image).isEqualTo(decode(latents, new LatentTiles(64, 16))).hasSize(3 * 8 * F * 65 * F);
        Golden.assertClose("65 cells", image, decode(latents, new LatentTiles(1_000, 16)), 0.1);
        assertThat(image).isNotEqualTo(decode(latents, new LatentTiles(1_000, 16)));
    }

    /** The engine's convolution takes another kernel for a single row. */
    @ParameterizedTest
    @ValueSource(ints = {2, 3, 5})
    void imagesOfABatchAreThoseOfEachAloneUpToRounding(int rows) throws IOException {
        for (LatentTiles tiles : new LatentTiles[] {LatentTiles.DEFAULT, new LatentTiles(8, 2)}) {
            AutoencoderKL autoencoder = autoencoder(tiles);
            NDArray latents = latents(rows, 16, 16);
            NDArray together = autoencoder.decode(latents);
            for (int row = 0; row < rows; row++) {
                NDIndex of = new NDIndex("{}:{}", row, row + 1);
                float[] alone = autoencoder.decode(latents.get(of)).toFloatArray();
                Golden.assertClose("row " + row, together.get(of).toFloatArray(), alone, 1e-5);
            }
        }
    }

    private float[] decode(NDArray latents, LatentTiles tiles) throws IOException {
        return autoencoder(tiles).decode(latents).toFloatArray();
    }

    private AutoencoderKL autoencoder(LatentTiles tiles) throws IOException {
        return AutoencoderFiles.load(GOLDEN.ops, GOLDEN.manager, Golden.file("vae"))
                .with(tiles);
    }

    private NDArray latents(int rows, int height, int width) {
        m.getEngine().setRandomSeed(1);
        return m.randomNormal(new Shape(rows, 4, height, width));
    }
}
