package io.finestream.flowers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ContactSheetTest {

    private static final int RED = 0xFFFF0000;
    private static final int BLUE = 0xFF0000FF;

    @Test
    void imagesFillTheGridRowByRow() {
        BufferedImage sheet = ContactSheet.of(List.of(pixel(RED), pixel(RED), pixel(BLUE)), 2, 10)
                .toImage();
        assertThat(sheet.getWidth()).isEqualTo(2 + 2 * 12);
        assertThat(sheet.getHeight()).isEqualTo(2 + 2 * 12);
        assertThat(sheet.getRGB(7, 7)).isEqualTo(RED);
        assertThat(sheet.getRGB(19, 7)).isEqualTo(RED);
        assertThat(sheet.getRGB(7, 19)).isEqualTo(BLUE);
    }

    @Test
    void textTakesRoomBesideAndBelowTheGrid() {
        ContactSheet sheet = ContactSheet.of(List.of(pixel(RED)), 1, 30);
        ContactSheet labelled = sheet.withRowLabels(List.of("red")).withCaption("one pixel");
        assertThat(labelled.toImage().getWidth()).isGreaterThan(sheet.toImage().getWidth());
        assertThat(labelled.toImage().getHeight()).isGreaterThan(sheet.toImage().getHeight());
    }

    @Test
    void smoothedCellsBlendTheirPixels() {
        BufferedImage pair = new BufferedImage(2, 1, BufferedImage.TYPE_INT_RGB);
        pair.setRGB(0, 0, RED);
        pair.setRGB(1, 0, BLUE);
        ContactSheet sheet = ContactSheet.of(List.of(pair), 1, 20);
        assertThat(sheet.toImage().getRGB(11, 12)).isEqualTo(RED);
        assertThat(sheet.smoothed().toImage().getRGB(11, 12)).isNotIn(RED, BLUE);
    }

    @Test
    void aWrittenSheetReadsBack(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("sheets/one.png");
        ContactSheet.of(List.of(pixel(BLUE)), 1, 10).writePng(file);
        assertThat(ImageIO.read(file.toFile()).getRGB(7, 7)).isEqualTo(BLUE);
    }

    @Test
    void badArgumentsAreRejected() {
        assertThatThrownBy(() -> ContactSheet.of(List.of(), 1, 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("images is empty, expected at least 1");
        assertThatThrownBy(() -> ContactSheet.of(List.of(pixel(RED)), 0, 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("columns is 0, expected 1 or more");
    }

    private static BufferedImage pixel(int rgb) {
        BufferedImage image = new BufferedImage(1, 1, BufferedImage.TYPE_INT_RGB);
        image.setRGB(0, 0, rgb);
        return image;
    }
}
