package io.finestream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.finestream.Golden;
import io.finestream.dit.Taxonomy;
import io.finestream.weights.ModelConfig;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** On the small networks of the golden data, whose size is not a published one. */
class CheckpointCommandsTest {

    @TempDir
    private Path dir;

    private Path diffusers;

    @BeforeEach
    void copy() throws IOException {
        diffusers = Files.createDirectory(dir.resolve("transformer"));
        for (String name : List.of("config.json", "diffusion_pytorch_model.safetensors")) {
            copyGolden("diffusers-layout/" + name, diffusers.resolve(name));
            Files.createDirectories(dir.resolve("vae"));
            copyGolden("vae/" + name, dir.resolve("vae").resolve(name));
        }
        StringBuilder classes = new StringBuilder();
        IntStream.range(0, 12)
                .forEach(i -> classes.append("kind ")
                        .append(i)
                        .append(",group ")
                        .append(i % 3)
                        .append('\n'));
        Files.writeString(dir.resolve("classes.csv"), classes);
        assertThat(run("taxonomy", dir.resolve("classes.csv"), "--out", dir.resolve("taxonomy.json"))
                        .out())
                .startsWith("12 subclasses in 3 superclasses");
    }

    @Test
    void aJobOfVersionsTakesNoAdapter() {
        for (String job : List.of("run", "tune")) {
            CommandLineRun refused = run(job, "--adapter", dir.resolve("adapter.safetensors"));
            assertThat(refused.exitCode()).as(job).isEqualTo(2);
            assertThat(refused.err())
                    .contains("--adapter changes the model that versions")
                    .contains("'convert'");
        }
    }

    @Test
    void everyCommandOnAModelTakesTheSameFiles() {
        for (String command : List.of("generate", "convert", "inspect", "embeddings", "run", "tune", "evaluate")) {
            assertThat(run(command, "--help").out())
                    .as(command)
                    .contains("--use", "--weights", "--adapter", "--taxonomy", "--vae", "--diffusers-numerics");
        }
    }

    @Test
    void superclassesStandInTheOrderThatIsGiven() throws IOException {
        Path out = dir.resolve("ordered.json");
        run("taxonomy", dir.resolve("classes.csv"), "--superclasses", "group 2,group 0,group 1", "--out", out);
        Taxonomy taxonomy = ModelConfig.readTaxonomy(out);
        assertThat(taxonomy.superclasses()).containsExactly("group 2", "group 0", "group 1");
        assertThat(taxonomy.superclassName(taxonomy.superclassOf(1))).isEqualTo("group 1");
        CommandLineRun lacking = run("taxonomy", dir.resolve("classes.csv"), "--superclasses", "group 2", "--out", out);
        assertThat(lacking.exitCode()).isNotZero();
        assertThat(lacking.err()).contains("has classes in [group 0, group 1] too");
    }

    @Test
    void categoriesOfINaturalistAreTakenById() throws IOException {
        Path json = dir.resolve("val.json");
        Files.writeString(json, """
                {"categories": [{"id": 1, "name": "Apis mellifera", "supercategory": "Insects"},
                  {"id": 0, "name": "Lumbricus terrestris", "supercategory": "Animalia"}]}""");
        run("taxonomy", json, "--out", dir.resolve("species.json"));
        assertThat(ModelConfig.readTaxonomy(dir.resolve("species.json")).names())
                .containsExactly(
                        new Taxonomy.ClassName("Animalia", "Lumbricus terrestris"),
                        new Taxonomy.ClassName("Insects", "Apis mellifera"));
    }

    @Test
    void classesOfVegFruAreTakenByNumber() throws IOException {
        Path list = dir.resolve("vegfru_train.txt");
        Files.writeString(list, """
                fru92_images/apple/f_01.jpg 2
                veg200_images/amaranth/v_01.jpg 0
                veg200_images/leek/v_02.jpg 1
                veg200_images/leek/v_03.jpg 1
                """);
        Path upper = dir.resolve("upper.csv");
        Files.writeString(upper, "apple,pome\namaranth,leaf\nleek,bulb\n");
        Path out = dir.resolve("vegfru.json");
        run("taxonomy", list, "--hierarchy", upper, "--out", out);
        assertThat(ModelConfig.readTaxonomy(out).names())
                .containsExactly(
                        new Taxonomy.ClassName("leaf", "amaranth"),
                        new Taxonomy.ClassName("bulb", "leek"),
                        new Taxonomy.ClassName("pome", "apple"));
        run("taxonomy", list, "--out", out);
        assertThat(ModelConfig.readTaxonomy(out).superclasses()).containsExactly("vegetables", "fruit");
        Files.writeString(list, "veg200_images/amaranth/v_01.jpg 3\n");
        assertThat(run("taxonomy", list, "--out", out).err()).contains("expected their numbers to be 0 to 0");
    }

    @Test
    void inspectSaysWhatAFileIs() throws IOException {
        assertThat(run("inspect", diffusers).out())
                .contains("is        a DiT in the layout of diffusers\n")
                .contains("2 blocks, width 48, 4 heads, patch 2, latents of 8 x 8 x 4")
                .contains("classes   12 subclasses in 3 superclasses, the first is 'kind 0'")
                .contains("sha256    ");
        assertThat(run("inspect", dir.resolve("vae/diffusion_pytorch_model.safetensors"), "--tensors")
                        .out())
                .contains("is        an AutoencoderKL", "  decoder.conv_in.weight (");
        Path alone = Files.createDirectory(dir.resolve("alone")).resolve("checkpoint.pt");
        copyGolden("finediffusion-checkpoint.pt", alone);
        assertThat(run("inspect", alone, "--no-hash").out())
                .contains("format    torch.save, 42 tensors")
                .contains("a label table of 15 rows, and nothing says which classes these are")
                .doesNotContain("sha256");
    }

    @Test
    void inspectIsJsonForScripts() throws IOException {
        JsonNode found = new ObjectMapper()
                .readTree(run("inspect", diffusers, "--tensors", "--json").out());
        assertThat(found.path("is").asText()).isEqualTo("a DiT in the layout of diffusers");
        assertThat(found.path("sha256").asText()).hasSize(64);
        assertThat(found.path("numbers").elements().next().asLong()).isPositive();
        assertThat(found.path("tensors").path("pos_embed.proj.weight")).hasSize(4);
    }

    @Test
    void theSameNoiseMakesTheSameImageInEveryLayout() throws IOException {
        Path expected = dir.resolve("expected");
        generate(diffusers, expected);
        for (String layout : List.of("finestream", "diffusers")) {
            Path converted = dir.resolve(layout);
            CommandLineRun run = run("convert", diffusers, "--layout", layout, "--out", converted);
            assertThat(run.exitCode()).as(run.err()).isZero();
            Path images = dir.resolve("images-" + layout);
            generate(converted, images);
            assertThat(Files.mismatch(images.resolve("kind_3-0.png"), expected.resolve("kind_3-0.png")))
                    .as(layout)
                    .isEqualTo(-1);
        }
        Path weights = dir.resolve("weights.pt");
        run("convert", diffusers, "--layout", "original", "--out", weights);
        Path images = dir.resolve("images-original");
        CommandLineRun run = run(
                "generate",
                "--model",
                dir.resolve("finestream"),
                "--weights",
                weights,
                "--class",
                "kind 3",
                "--seed",
                5,
                "--steps",
                4,
                "--out",
                images);
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(Files.mismatch(images.resolve("kind_3-0.png"), expected.resolve("kind_3-0.png")))
                .isEqualTo(-1);
    }

    @Test
    void anAdapterNeedsItsBase() {
        CommandLineRun run = run("convert", diffusers, "--layout", "adapter", "--out", dir.resolve("a.safetensors"));
        assertThat(run.exitCode()).isNotZero();
        assertThat(run.err()).contains("needs the model that it was tuned from: --base");
    }

    private static void copyGolden(String name, Path to) throws IOException {
        try (InputStream in = Golden.class.getResourceAsStream("/golden/" + name)) {
            Files.copy(in, to);
        }
    }

    private static void generate(Path model, Path out) {
        CommandLineRun run =
                run("generate", "--model", model, "--class", "kind 3", "--seed", 5, "--steps", 4, "--out", out);
        assertThat(run.exitCode()).as(run.err()).isZero();
    }

    private static CommandLineRun run(Object... args) {
        return CommandLineRun.of(args);
    }
}
