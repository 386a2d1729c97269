package io.finestream.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;

class BackgroundTest {

    private static final int SIDE = 32;
    private static final int AREA = SIDE * SIDE;

    @Test
    void aGradientBecomesGreyAndTheThingBeforeItStays() {
        float[] planes = gradient();
        paint(planes, 10, 10, 20, 20, 0.9f);
        float[] neutral = Background.neutralised(planes, SIDE);
        for (int i = 0; i < AREA; i++) {
            boolean thing = i % SIDE >= 10 && i % SIDE < 20 && i / SIDE >= 10 && i / SIDE < 20;
            assertThat(neutral[i]).isEqualTo(thing ? 0.9f : 0);
            assertThat(neutral[2 * AREA + i]).isEqualTo(thing ? -0.9f : 0);
        }
    }

    @Test
    void aStemThatLeavesThePictureStays() {
        float[] planes = gradient();
        paint(planes, 15, 12, 18, SIDE, 0.9f);
        float[] neutral = Background.neutralised(planes, SIDE);
        assertThat(neutral[(SIDE - 1) * SIDE + 16]).isEqualTo(0.9f);
        assertThat(neutral[(SIDE - 1) * SIDE + 20]).isZero();
        assertThat(neutral[(SIDE - 1) * SIDE + 10]).isZero();
    }

    @Test
    void thePictureItselfIsLeftAlone() {
        float[] planes = gradient();
        Background.neutralised(planes, SIDE);
        assertThat(planes).isEqualTo(gradient());
    }

    @Test
    void aPictureOfAnotherSizeIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Background.neutralised(gradient(), 16))
                .withMessageContaining("needs 768 numbers, there are 3072");
    }

    /** From dark to light over a third of the range of colours. */
    private static float[] gradient() {
        float[] planes = new float[3 * AREA];
        for (int i = 0; i < planes.length; i++) {
            planes[i] = -0.3f + 0.6f * (i % AREA / SIDE) / SIDE;
        }
        return planes;
    }

    private static void paint(float[] planes, int left, int top, int right, int bottom, float red) {
        for (int y = top; y < bottom; y++) {
            for (int x = left; x < right; x++) {
                planes[y * SIDE + x] = red;
                planes[AREA + y * SIDE + x] = -red;
                planes[2 * AREA + y * SIDE + x] = -red;
            }
        }
    }
}
