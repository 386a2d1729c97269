package io.finestream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.finestream.codec.Images;
import io.finestream.flowers.FlowerFamily;
import io.finestream.flowers.FlowerRenderer;
import io.finestream.flowers.Species;
import io.finestream.metrics.Background;
import java.awt.image.BufferedImage;
import java.awt.image.Raster;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The background that {@link Background} finds in drawn flowers is the one that the renderer painted. */
class BackgroundOfFlowersTest {

    private static final int SIZE = 64;
    private static final int AREA = SIZE * SIZE;
    private static final int SPECIES = 20;

    /** Pixels, and those of them that became grey. */
    private static final class Count {
        private int all;
        private int grey;

        void add(boolean isGrey) {
            all++;
            grey += isGrey ? 1 : 0;
        }

        double share() {
            return (double) grey / all;
        }
    }

    @ParameterizedTest
    @EnumSource
    void becomesGreyAndTheFlowerDoesNot(FlowerFamily family) {
        Count background = new Count();
        Count flower = new Count();
        count(family, 0, background, flower);
        // what the bent stem of a bellflower encloses can not be reached
        assertThat(background.share()).isGreaterThan(family == FlowerFamily.BELLFLOWER ? 0.93 : 0.98);
        assertThat(flower.share()).isLessThan(1e-3);
    }

    @ParameterizedTest
    @ValueSource(doubles = {0.01, 0.02})
    void isFoundUnderTheGrainOfAGeneratedPicture(double grain) {
        Count background = new Count();
        Count flower = new Count();
        for (FlowerFamily family : FlowerFamily.values()) {
            count(family, grain, background, flower);
        }
        assertThat(background.share()).isGreaterThan(0.98);
        assertThat(flower.share()).isLessThan(1e-3);
    }

    private static void count(FlowerFamily family, double grain, Count background, Count flower) {
        SplittableRandom random = new SplittableRandom(1);
        for (int index = 0; index < SPECIES; index++) {
            Species species = Species.of(family, index);
            float[] planes = planes(FlowerRenderer.render(species, index, SIZE));
            for (int i = 0; i < planes.length; i++) {
                planes[i] += (float) (grain * random.nextGaussian());
            }
            float[] neutral = Background.neutralised(planes, SIZE);
            Raster mask = FlowerRenderer.mask(species, index, SIZE).getRaster();
            for (int i = 0; i < AREA; i++) {
                int covered = mask.getSample(i % SIZE, i / SIZE, 0);
                boolean isGrey = neutral[i] == 0 && neutral[AREA + i] == 0 && neutral[2 * AREA + i] == 0;
                if (covered == 0) {
                    background.add(isGrey);
                } else if (covered == 255) {
                    flower.add(isGrey);
                }
            }
        }
    }

    private static float[] planes(BufferedImage image) {
        byte[] bytes = Images.toPlanes(image);
        float[] planes = new float[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            planes[i] = (bytes[i] & 0xff) / 127.5f - 1;
        }
        return planes;
    }
}
