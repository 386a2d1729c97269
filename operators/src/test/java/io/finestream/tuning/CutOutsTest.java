package io.finestream.tuning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.finestream.codec.Images;
import io.finestream.dit.Taxonomy;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CutOutsTest {

    @TempDir
    Path root;

    @Test
    void coloursAreAsInTheFileWhateverTheAlpha() throws IOException {
        put("rose/moss/1.png", BufferedImage.TYPE_INT_ARGB, 0x01336699);
        byte[] planes = CutOuts.read(root, 2).images().get(0).get(0);
        assertThat(planes).hasSize(16).startsWith(0x33, 0x33, 0x33, 0x33, 0x66);
        assertThat(planes).endsWith((byte) 0x99, 1, 1, 1, 1);
    }

    @Test
    void aPictureWithoutAlphaIsAllThing() throws IOException {
        put("rose/moss/1.png", BufferedImage.TYPE_INT_RGB, 0x336699);
        assertThat(CutOuts.read(root, 2).images().get(0).get(0))
                .startsWith(0x33)
                .endsWith(0x99, 255, 255, 255, 255);
    }

    @Test
    void classesAreThoseOfTheFolders() throws IOException {
        put("rose/moss/1.png", BufferedImage.TYPE_INT_RGB, 0);
        put("rose/dog/1.png", BufferedImage.TYPE_INT_RGB, 0);
        put("lily/tiger/1.png", BufferedImage.TYPE_INT_RGB, 0);
        CutOuts found = CutOuts.read(root, 2);
        assertThat(found.count()).isEqualTo(3);
        assertThat(found.taxonomy().subclasses())
                .containsExactly(
                        new Taxonomy.Subclass("tiger", 0),
                        new Taxonomy.Subclass("dog", 1),
                        new Taxonomy.Subclass("moss", 1));
    }

    @Test
    void aFileThatIsNotAnImageIsNamed() throws IOException {
        put("rose/moss/1.png", BufferedImage.TYPE_INT_RGB, 0);
        Path broken = Files.writeString(root.resolve("rose/moss/2.png"), "not an image");
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> CutOuts.read(root, 2))
                .withMessageContaining(broken.toString())
                .withMessageContaining("mend or remove it");
    }

    @Test
    void aBatchDependsOnSeedAndStepAlone() {
        Taxonomy taxonomy = new Taxonomy(
                List.of("rose", "lily"), List.of(new Taxonomy.Subclass("moss", 1), new Taxonomy.Subclass("dog", 0)));
        CutOuts data = new CutOuts(taxonomy, 8, List.of(List.of(new byte[256]), List.of(new byte[256])));
        CutOutSampler.Batch batch = new CutOutSampler(data, 6, 1).batch(3);
        assertThat(batch.images())
                .hasSize(6 * 3 * 64)
                .isEqualTo(new CutOutSampler(data, 6, 1).batch(3).images());
        assertThat(batch.images())
                .isNotEqualTo(new CutOutSampler(data, 6, 1).batch(4).images());
        assertThat(batch.images())
                .isNotEqualTo(new CutOutSampler(data, 6, 2).batch(3).images());
        assertThat(batch.subclasses()).contains(0, 1);
        for (int i = 0; i < 6; i++) {
            assertThat(batch.superclasses()[i]).isEqualTo(1 - batch.subclasses()[i]);
        }
    }

    private void put(String name, int type, int colour) throws IOException {
        BufferedImage image = new BufferedImage(2, 2, type);
        for (int i = 0; i < 4; i++) {
            image.setRGB(i % 2, i / 2, colour);
        }
        Path file = root.resolve(name);
        Files.createDirectories(file.getParent());
        Files.write(file, Images.toPng(image));
    }
}
