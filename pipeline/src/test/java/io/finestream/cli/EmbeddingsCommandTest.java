package io.finestream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.finestream.TinyModel;
import java.awt.image.BufferedImage;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EmbeddingsCommandTest {

    @TempDir
    static Path dir;

    private static Path model;

    @BeforeAll
    static void write() {
        model = TinyModel.write(dir.resolve("tiny"), 1);
    }

    @Test
    void theSvgHasAPointForEveryClassAndSuperclass() throws Exception {
        Path plot = dir.resolve("new/folder/map.svg");
        CommandLineRun run = CommandLineRun.of("embeddings", "--model", model, "--plot", plot);
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out()).contains("6 subclasses in 2 superclasses written to " + plot);
        String svg = Files.readString(plot);
        assertThat(svg.split("class=\"subclass\"", -1)).hasSize(TinyModel.CLASSES + 1);
        assertThat(svg.split("class=\"superclass\"", -1)).hasSize(2 + 1);
        assertThat(svg).contains("<title>class 5 (square)</title>", "The classes of tiny");
    }

    @Test
    void thePngIsAPicture() throws Exception {
        Path plot = dir.resolve("map.png");
        assertThat(CommandLineRun.of("embeddings", "--model", model, "--plot", plot)
                        .exitCode())
                .isZero();
        BufferedImage image = ImageIO.read(plot.toFile());
        assertThat(image.getWidth()).isGreaterThan(image.getHeight());
        assertThat(image.getRGB(0, 0) & 0xffffff).isEqualTo(0xffffff);
    }

    @Test
    void theSameSeedGivesTheSameFileAndAnotherSeedAnother() throws Exception {
        String first = json("first.json", 3);
        assertThat(json("again.json", 3)).isEqualTo(first);
        assertThat(json("other.json", 4)).isNotEqualTo(first);
        JsonNode map = new ObjectMapper().readTree(first);
        assertThat(map.get("model").textValue()).isEqualTo("tiny");
        assertThat(map.get("classes")).hasSize(TinyModel.CLASSES);
        assertThat(map.get("classes").get(1).get("superclass").intValue()).isEqualTo(1);
        assertThat(map.get("superclasses").get(1).get("color").textValue()).matches("#[0-9a-f]{6}");
    }

    @Test
    void anUnknownFormatIsRefusedBeforeAnythingIsRead() {
        CommandLineRun refused = CommandLineRun.of("embeddings", "--model", "nowhere", "--plot", "map.gif");
        assertThat(refused.exitCode()).isEqualTo(2);
        assertThat(refused.err()).contains("--plot is map.gif, expected a name that ends in .png or .svg");
        assertThat(CommandLineRun.of("embeddings").err()).contains("nothing to write");
    }

    private static String json(String name, int seed) throws Exception {
        Path file = dir.resolve(name);
        CommandLineRun run = CommandLineRun.of("embeddings", "--model", model, "--json", file, "--seed", seed);
        assertThat(run.exitCode()).as(run.err()).isZero();
        return Files.readString(file);
    }
}
