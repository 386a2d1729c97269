package io.finestream.codec;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.image.BufferedImage;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class FramingTest {

    @ParameterizedTest
    @CsvSource({"33, 57, 32", "100, 37, 16", "1, 500, 8", "500, 1, 8", "5, 9, 32", "32, 32, 32", "641, 479, 256"})
    void everyImageBecomesASquareOfTheAskedSide(int width, int height, int side) {
        for (Framing framing : Framing.values()) {
            BufferedImage square = framing.square(image(width, height, BufferedImage.TYPE_INT_RGB), side);
            assertThat(square.getWidth()).isEqualTo(side);
            assertThat(square.getHeight()).isEqualTo(side);
            assertThat(square.getType()).isEqualTo(BufferedImage.TYPE_INT_RGB);
        }
    }

    @Test
    void paddingRepeatsTheEdgesOutwards() {
        BufferedImage wide = new BufferedImage(4, 2, BufferedImage.TYPE_INT_RGB);
        int[] colours = {1, 2, 3, 4, 5, 6, 7, 8};
        wide.setRGB(0, 0, 4, 2, colours, 0, 4);

        assertThat(rgb(Framing.PAD.square(wide, 4))).containsExactly(1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 8, 5, 6, 7, 8);
    }

    @Test
    void paddingDoesNotEnlargeASmallImage() {
        BufferedImage small = new BufferedImage(2, 2, BufferedImage.TYPE_INT_RGB);
        small.setRGB(0, 0, 2, 2, new int[] {1, 2, 3, 4}, 0, 2);

        assertThat(rgb(Framing.PAD.square(small, 4))).containsExactly(1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4);
    }

    @Test
    void paddingKeepsWhatACropCutsAway() {
        BufferedImage wide = new BufferedImage(96, 32, BufferedImage.TYPE_INT_RGB);
        wide.setRGB(0, 0, 32, 32, filled(32 * 32, 0xff0000), 0, 32);

        assertThat(Framing.PAD.square(wide, 48).getRGB(4, 24)).isEqualTo(0xffff0000);
        assertThat(Framing.CENTRE_CROP.square(wide, 32).getRGB(4, 16)).isEqualTo(0xff000000);
    }

    @ParameterizedTest
    @EnumSource(Framing.class)
    void whatIsTransparentTurnsWhite(Framing framing) {
        BufferedImage cutOut = new BufferedImage(32, 32, BufferedImage.TYPE_INT_ARGB);
        cutOut.setRGB(0, 0, 16, 32, filled(16 * 32, 0xff0000ff), 0, 16);
        for (int side : new int[] {32, 8}) {
            BufferedImage square = framing.square(cutOut, side);
            assertThat(square.getRGB(1, side / 2)).isEqualTo(0xff0000ff);
            assertThat(square.getRGB(side - 1, side / 2)).isEqualTo(0xffffffff);
        }
    }

    @Test
    void aLongImageIsCroppedFromItsMiddle() {
        BufferedImage ribbon = new BufferedImage(1_001, 3, BufferedImage.TYPE_INT_RGB);
        ribbon.setRGB(490, 0, 21, 3, filled(63, 0x00ff00), 0, 21);
        assertThat(rgb(Framing.CENTRE_CROP.square(ribbon, 8))).containsOnly(0x00ff00);
    }

    private static BufferedImage image(int width, int height, int type) {
        Random random = new Random(3);
        BufferedImage image = new BufferedImage(width, height, type);
        for (int i = 0; i < width * height; i++) {
            image.setRGB(i % width, i / width, random.nextInt());
        }
        return image;
    }

    private static int[] filled(int count, int colour) {
        int[] colours = new int[count];
        Arrays.fill(colours, colour);
        return colours;
    }

    private static int[] rgb(BufferedImage image) {
        int[] colours = image.getRGB(0, 0, image.getWidth(), image.getHeight(), null, 0, image.getWidth());
        return Arrays.stream(colours).map(argb -> argb & 0xffffff).toArray();
    }
}
