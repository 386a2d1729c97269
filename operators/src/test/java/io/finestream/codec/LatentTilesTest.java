package io.finestream.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import io.finestream.Golden;
import io.finestream.codec.LatentTiles.Axis;
import io.finestream.torch.TorchOps;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LatentTilesTest {

    private final NDManager m = TorchOps.newManager(Device.cpu());

    @AfterEach
    void close() {
        m.close();
    }

    @ParameterizedTest
    @CsvSource({"64, 16", "64, 8", "10, 2", "4, 1"})
    void tilesCoverEveryLengthWithTheirOverlapsAndWeighOneEverywhere(int side, int overlap) {
        for (int length = 1; length <= 5 * side; length++) {
            Axis axis = new LatentTiles(side, overlap).axis(length);
            assertThat(axis.tile()).isLessThanOrEqualTo(side);
            assertThat(axis.start(0)).isZero();
            assertThat(axis.start(axis.tiles() - 1) + axis.tile()).isEqualTo(length);
            float[] total = new float[2 * length];
            for (int i = 0; i < axis.tiles(); i++) {
                assertThat(axis.overlap(i)).isBetween(i == 0 ? 0 : overlap, axis.tile() / 2);
                float[] weights = axis.weights(i, 2);
                for (int p = 0; p < weights.length; p++) {
                    total[2 * axis.start(i) + p] += weights[p];
                }
            }
            for (float weight : total) {
                assertThat(weight).isCloseTo(1, within(1e-6f));
            }
        }
    }

    @Test
    void aDecoderThatSeesOneCellAtATimeMakesTheSameImageInTiles() {
        NDArray z = m.randomNormal(new Shape(2, 4, 23, 17));
        float[] tiled =
                new LatentTiles(8, 2).decode(z, 2, LatentTilesTest::repeat).toFloatArray();
        assertThat(tiled).hasSize(2 * 3 * 46 * 34);
        assertThat(Golden.relativeError(tiled, repeat(m, z).toFloatArray())).isLessThan(1e-6);
    }

    @Test
    void whatTilesDifferByIsSpreadOverTheirOverlap() {
        AtomicInteger tile = new AtomicInteger();
        NDArray z = m.zeros(new Shape(1, 4, 4, 14));
        float[] levels = new LatentTiles(8, 2)
                .decode(z, 2, (owner, cells) -> repeat(owner, cells).add(tile.getAndIncrement()))
                .get(new NDIndex("0, 0, 0"))
                .toFloatArray();
        assertThat(levels)
                .containsExactly(
                        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.125f, 0.375f, 0.625f, 0.875f, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                        1, 1, 1);
    }

    /** Every cell as 2 x 2 pixels of its first three channels. */
    private static NDArray repeat(NDManager owner, NDArray cells) {
        NDArray pixels = cells.get(new NDIndex(":, :3")).repeat(2, 2).repeat(3, 2);
        pixels.attach(owner);
        return pixels;
    }

    @Test
    void latentsUpToSixtyFourCellsAreOneTile() {
        assertThat(LatentTiles.DEFAULT.hold(new Shape(2, 4, 64, 64))).isTrue();
        assertThat(LatentTiles.DEFAULT.hold(new Shape(1, 4, 64, 65))).isFalse();
        assertThat(LatentTiles.DEFAULT.hold(new Shape(1, 4, 65, 8))).isFalse();
        assertThat(LatentTiles.DEFAULT.axis(128)).isEqualTo(new Axis(128, 3, 54));
    }

    @Test
    void tilesThatOverlapMoreThanTheirNeighboursAreRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new LatentTiles(10, 3))
                .withMessageContaining("tiles of 10 cells overlap by 3");
    }
}
