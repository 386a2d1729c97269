package io.finestream.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ImagesTest {

    @ParameterizedTest
    @CsvSource({"-1, 0", "1, 255", "0, 128", "-1.5, 0", "7, 255", "-0.5, 64", "0.9999, 255", "NaN, 0", "Infinity, 255"})
    void numbersFromMinusOneToOneBecomeLevels(float value, int level) {
        BufferedImage image = Images.fromPlanes(new float[] {value, -1, 1}, 1, 1);
        assertThat(image.getRGB(0, 0) & 0xffffff).isEqualTo(level << 16 | 0xff);
    }

    @Test
    void planesAreRedGreenBlueInRows() {
        float[] planes = new float[3 * 6]; // 3 wide, 2 high
        Arrays.fill(planes, -1);
        planes[1] = 1; // red, row 0, column 1
        planes[6 + 3] = 1; // green, row 1, column 0
        planes[12 + 5] = 1; // blue, row 1, column 2
        BufferedImage image = Images.fromPlanes(planes, 3, 2);
        assertThat(image.getRGB(1, 0)).isEqualTo(0xffff0000);
        assertThat(image.getRGB(0, 1)).isEqualTo(0xff00ff00);
        assertThat(image.getRGB(2, 1)).isEqualTo(0xff0000ff);
        assertThat(image.getRGB(0, 0)).isEqualTo(0xff000000);
    }

    @Test
    void everyLevelSurvivesTheWayThroughPlanes() {
        byte[] levels = new byte[3 * 16 * 16];
        new Random(1).nextBytes(levels);
        float[] planes = new float[levels.length];
        for (int i = 0; i < levels.length; i++) {
            planes[i] = (levels[i] & 0xff) / 127.5f - 1;
        }
        assertThat(Images.toPlanes(Images.fromPlanes(planes, 16, 16))).isEqualTo(levels);
    }

    @Test
    void pngKeepsEveryPixel() throws IOException {
        BufferedImage image = noise(19, 7, 2);
        byte[] png = Images.toPng(image);
        assertThat(new String(png, 1, 3, StandardCharsets.US_ASCII)).isEqualTo("PNG");
        assertThat(Images.toPlanes(Images.decode(png))).isEqualTo(Images.toPlanes(image));
    }

    @Test
    void greyImagesAreReadAsColour() throws IOException {
        BufferedImage grey = new BufferedImage(4, 4, BufferedImage.TYPE_BYTE_GRAY);
        grey.getRaster().setSample(1, 0, 0, 255);
        ByteArrayOutputStream file = new ByteArrayOutputStream();
        ImageIO.write(grey, "png", file);
        byte[] planes = Images.toPlanes(Images.centreCrop(Images.decode(file.toByteArray()), 4));
        assertThat(new byte[] {planes[1], planes[17], planes[33], planes[0]}).containsExactly(-1, -1, -1, 0);
    }

    @ParameterizedTest
    @CsvSource({
        "33, 57, 32",
        "57, 33, 32",
        "100, 37, 16",
        "1, 500, 8",
        "500, 1, 8",
        "5, 9, 32",
        "32, 32, 32",
        "127, 129, 32",
        "64, 64, 32",
        "3, 3, 1",
        "641, 479, 256"
    })
    void centreCropHasTheAskedSize(int width, int height, int size) {
        BufferedImage cropped = Images.centreCrop(noise(width, height, 3), size);
        assertThat(cropped.getWidth()).isEqualTo(size);
        assertThat(cropped.getHeight()).isEqualTo(size);
        assertThat(Images.toPlanes(cropped)).hasSize(3 * size * size);
    }

    @Test
    void centreCropKeepsTheMiddle() {
        BufferedImage image = new BufferedImage(96, 32, BufferedImage.TYPE_INT_RGB);
        for (int x = 32; x < 64; x++) {
            for (int y = 0; y < 32; y++) {
                image.setRGB(x, y, 0x00ff00);
            }
        }
        BufferedImage cropped = Images.centreCrop(image, 32);
        assertThat(cropped.getRGB(0, 0) & 0xffffff).isEqualTo(0x00ff00);
        assertThat(cropped.getRGB(31, 31) & 0xffffff).isEqualTo(0x00ff00);
        BufferedImage smaller = Images.centreCrop(image, 8);
        assertThat(smaller.getRGB(4, 4) & 0xffffff).isEqualTo(0x00ff00);
    }

    @Test
    void anImageOfTheAskedSizeIsNotChangedByTheCrop() {
        BufferedImage image = noise(16, 16, 4);
        assertThat(Images.toPlanes(Images.centreCrop(image, 16))).isEqualTo(Images.toPlanes(image));
    }

    @Test
    void averageColourSurvivesTheCrop() {
        byte[] planes = Images.toPlanes(Images.centreCrop(noise(512, 512, 5), 16));
        double mean = 0;
        for (byte level : planes) {
            mean += (level & 0xff) / (double) planes.length;
        }
        assertThat(mean).isBetween(124.0, 131.0);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "no image at all", "RIFF....WEBPVP8 "})
    void whatIsNotAnImageIsRefusedWithItsSize(String content) {
        byte[] bytes = content.getBytes(StandardCharsets.UTF_8);
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> Images.decode(bytes))
                .withMessageContaining("not an image")
                .withMessageContaining("PNG, JPEG")
                .withMessageContaining(bytes.length + " bytes");
    }

    @Test
    void aWrongNumberOfPlanesIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Images.fromPlanes(new float[11], 2, 2))
                .withMessage("an image of 2 x 2 needs 12 numbers, there are 11");
    }

    private static BufferedImage noise(int width, int height, int seed) {
        Random random = new Random(seed);
        BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                image.setRGB(x, y, random.nextInt(1 << 24));
            }
        }
        return image;
    }
}
