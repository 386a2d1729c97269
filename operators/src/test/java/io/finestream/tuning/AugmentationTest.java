package io.finestream.tuning;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class AugmentationTest {

    private static final int SIDE = 32;
    private static final int AREA = SIDE * SIDE;
    private static final int CENTRE = AREA / 2 + SIDE / 2;
    private static final int PICTURES = 100;

    @Test
    void theThingStaysAndItsBackgroundChanges() {
        Set<Float> corners = new HashSet<>();
        for (int seed = 0; seed < PICTURES; seed++) {
            float[] picture = augmented(cutOut(0), seed);
            assertThat(picture[CENTRE]).isGreaterThan(0.6f);
            assertThat(picture[AREA + CENTRE]).isLessThan(-0.6f);
            assertThat(picture[2 * AREA + CENTRE]).isLessThan(-0.6f);
            corners.add(picture[0]);
        }
        assertThat(corners).hasSizeGreaterThan(PICTURES / 2);
    }

    @Test
    void everyPartOfTheThingStaysInThePicture() {
        for (int seed = 0; seed < PICTURES; seed++) {
            float[] picture = augmented(cutOut(0), seed);
            int red = 0;
            for (int i = 0; i < AREA; i++) {
                red += picture[i] > 0.5f && picture[AREA + i] < -0.5f && picture[2 * AREA + i] < -0.5f ? 1 : 0;
            }
            assertThat(red).isGreaterThan(14 * 14); // of 16 x 16, blurred at the edge
        }
    }

    @Test
    void aPictureWithoutAlphaKeepsItsBackground() {
        for (int seed = 0; seed < PICTURES; seed++) {
            float[] picture = augmented(cutOut(255), seed);
            assertThat(picture[0]).isLessThan(-0.6f);
            assertThat(picture[2 * AREA]).isGreaterThan(0.6f);
        }
    }

    @Test
    void someBackgroundsAreMidGrey() {
        int grey = 0;
        for (int seed = 0; seed < PICTURES; seed++) {
            float[] picture = augmented(new byte[4 * AREA], seed);
            float least = 1;
            float most = -1;
            for (float value : picture) {
                least = Math.min(least, value);
                most = Math.max(most, value);
            }
            grey += least > -0.4 && most < 0.4 ? 1 : 0;
        }
        assertThat(grey).isBetween(20, 45);
    }

    @Test
    void equalRandomNumbersGiveEqualPictures() {
        assertThat(augmented(cutOut(0), 7)).isEqualTo(augmented(cutOut(0), 7)).isNotEqualTo(augmented(cutOut(0), 8));
    }

    private static float[] augmented(byte[] cutOut, int seed) {
        float[] picture = new float[3 * AREA];
        new Augmentation(SIDE).write(cutOut, new SplittableRandom(seed), picture, 0);
        return picture;
    }

    /** A red square in the middle of blue. */
    private static byte[] cutOut(int alphaOfTheBlue) {
        byte[] planes = new byte[4 * AREA];
        for (int i = 0; i < AREA; i++) {
            boolean square = Math.abs(i % SIDE - 15.5) < 8 && Math.abs(i / SIDE - 15.5) < 8;
            planes[i] = (byte) (square ? 255 : 0);
            planes[2 * AREA + i] = (byte) (square ? 0 : 255);
            planes[3 * AREA + i] = (byte) (square ? 255 : alphaOfTheBlue);
        }
        return planes;
    }
}
