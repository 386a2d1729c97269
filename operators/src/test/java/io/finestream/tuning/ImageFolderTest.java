package io.finestream.tuning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.within;

import io.finestream.codec.Images;
import io.finestream.dit.Taxonomy;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImageFolderTest {

    @TempDir
    Path root;

    @Test
    void classesAreNumberedInTheOrderOfTheirFolders() throws IOException {
        put("roses/moss", "1.png", 0x000000);
        put("roses/dog", "1.png", 0x000000);
        put("roses/dog", "2.PNG", 0x000000);
        put("lilies/tiger", "1.png", 0x000000);
        Files.writeString(root.resolve("roses/dog/notes.txt"), "not an image, and not read");
        List<Integer> progress = new ArrayList<>();
        ImageFolder data = ImageFolder.read(root, 4, progress::add);
        assertThat(data.taxonomy().superclasses()).containsExactly("lilies", "roses");
        assertThat(data.taxonomy().subclasses())
                .containsExactly(
                        new Taxonomy.Subclass("tiger", 0),
                        new Taxonomy.Subclass("dog", 1),
                        new Taxonomy.Subclass("moss", 1));
        assertThat(data.images()).extracting(List::size).containsExactly(1, 2, 1);
        assertThat(data.count()).isEqualTo(4);
        assertThat(progress).containsExactly(1, 3, 4);
    }

    @Test
    void pixelsBecomeNumbersFromMinusOneToOneAndCanBeMirrored() throws IOException {
        Path folder = Files.createDirectories(root.resolve("a/b"));
        BufferedImage image = new BufferedImage(2, 2, BufferedImage.TYPE_INT_RGB);
        image.setRGB(0, 0, 0xff0000);
        image.setRGB(1, 0, 0x008000);
        Files.write(folder.resolve("1.png"), Images.toPng(image));
        ImageFolder data = ImageFolder.read(root, 2, count -> {});
        float[] straight = new float[13];
        float[] mirrored = new float[13];
        data.write(0, 0, false, straight, 1);
        data.write(0, 0, true, mirrored, 1);
        float green = 128 / 127.5f - 1;
        assertThat(straight)
                .containsExactly(new float[] {0, 1, -1, -1, -1, -1, green, -1, -1, -1, -1, -1, -1}, within(1e-6f));
        assertThat(mirrored)
                .containsExactly(new float[] {0, -1, 1, -1, -1, green, -1, -1, -1, -1, -1, -1, -1}, within(1e-6f));
        assertThat(Images.toPlanes(data.image(0, 0))).isEqualTo(Images.toPlanes(image));
    }

    @Test
    void imagesOfAnySizeAreCropped() throws IOException {
        put("a/b", "1.png", 0x336699);
        ImageFolder data = ImageFolder.read(root, 3, count -> {});
        assertThat(data.images().get(0).get(0)).hasSize(27);
        assertThat(data.image(0, 0).getRGB(2, 2)).isEqualTo(0xff336699);
    }

    @Test
    void aFolderWithoutClassesIsRefused() {
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> ImageFolder.read(root, 4, count -> {}))
                .withMessageContaining("no classes in " + root)
                .withMessageContaining("superclass/subclass/");
    }

    @Test
    void aFolderThatIsNotThereIsRefused() {
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> ImageFolder.read(root.resolve("nowhere"), 4, count -> {}))
                .withMessageContaining("no folder " + root.resolve("nowhere"));
    }

    @Test
    void aClassWithoutImagesIsNamed() throws IOException {
        put("a/b", "1.png", 0);
        Files.createDirectories(root.resolve("a/empty"));
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> ImageFolder.read(root, 4, count -> {}))
                .withMessageContaining(root.resolve("a/empty").toString())
                .withMessageContaining("no images");
    }

    @Test
    void aFileThatIsNotAnImageIsNamed() throws IOException {
        put("a/b", "1.png", 0);
        Path broken = Files.writeString(root.resolve("a/b/2.jpg"), "not an image");
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> ImageFolder.read(root, 4, count -> {}))
                .withMessageContaining(broken.toString())
                .withMessageContaining("mend or remove it");
    }

    private void put(String folder, String name, int colour) throws IOException {
        BufferedImage image = new BufferedImage(5, 7, BufferedImage.TYPE_INT_RGB);
        for (int i = 0; i < 35; i++) {
            image.setRGB(i % 5, i / 5, colour);
        }
        Files.write(Files.createDirectories(root.resolve(folder)).resolve(name), Images.toPng(image));
    }
}
