package io.finestream.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.finestream.TinyModel;
import io.finestream.codec.Images;
import io.finestream.torch.TorchOps;
import io.finestream.weights.Safetensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GenerateCommandTest {

    private static final Shape X_T = new Shape(2, 3, 8, 8);

    @TempDir
    static Path model;

    @TempDir
    Path dir;

    private static NDManager manager;

    @BeforeAll
    static void writeModel() {
        TinyModel.write(model, 1);
        manager = TorchOps.newManager(Device.cpu());
    }

    @AfterAll
    static void close() {
        manager.close();
    }

    @Test
    void theSameSeedGivesTheSameBytesAndAnotherSeedOthers() throws IOException {
        generate("--class", 3, "--seed", 7, "--out", dir.resolve("a"));
        generate("--class", 3, "--seed", 7, "--out", dir.resolve("b"));
        generate("--class", 3, "--seed", 8, "--out", dir.resolve("c"));

        byte[] a = Files.readAllBytes(dir.resolve("a/class_3-0.png"));
        assertThat(Files.readAllBytes(dir.resolve("b/class_3-0.png"))).isEqualTo(a);
        assertThat(Files.readAllBytes(dir.resolve("c/class_3-0.png"))).isNotEqualTo(a);
    }

    @Test
    void theRowBudgetDoesNotChangeTheImages() throws IOException {
        float[] narrow = latents("--class", "all", "--seed", 7, "--rows", 2);
        float[] wide = latents("--class", "all", "--seed", 7, "--rows", 24);

        assertThat(wide).hasSize(TinyModel.CLASSES * 3 * 8 * 8).containsExactly(narrow, within(1e-4f));
    }

    @Test
    void aCacheIntervalGivesAnotherImageAndOneOfOneTheSame() throws IOException {
        float[] every = latents("--class", 3, "--seed", 7, "--steps", 9);

        assertThat(latents("--class", 3, "--seed", 7, "--steps", 9, "--cache-interval", 1))
                .isEqualTo(every);
        assertThat(latents("--class", 3, "--seed", 7, "--steps", 9, "--cache-interval", 3))
                .isNotEqualTo(every);
    }

    @ParameterizedTest
    @CsvSource({"class 4,class_4", "CLASS 4,class_4", "4,class_4", "#4,class_4", "square,class_1 class_3 class_5"})
    void aClassIsNamedByNameOrNumberOrSuperclass(String named, String files) throws IOException {
        generate("--class", named, "--out", dir);

        assertThat(filesIn(dir))
                .containsExactlyElementsOf(
                        Stream.of(files.split(" ")).map(file -> file + "-0.png").toList());
    }

    @Test
    void withoutAClassThereIsOneOfEachSuperclass() throws IOException {
        CommandLineRun run = generate("--count", 2, "--seed", 5, "--out", dir);

        assertThat(filesIn(dir)).containsExactly("class_0-0.png", "class_0-1.png", "class_1-0.png", "class_1-1.png");
        assertThat(run.out()).matches("4 images to .* in [0-9.]+ s: [0-9.]+ images/s, 8.0 rows per step; seed 5\n");
    }

    @Test
    void theGridShowsARowPerClass() throws IOException {
        Path grid = dir.resolve("sheets/grid.png");
        generate("--class", "round", "--count", 2, "--grid", grid);

        assertThat(Images.decode(Files.readAllBytes(grid)).getHeight()).isEqualTo(2 + 3 * 66);
    }

    @Test
    void rowNOfTheNoiseIsForImageNWhateverTheSeed() throws IOException {
        NDArray noise = manager.randomNormal(0, 1, X_T, DataType.FLOAT32);
        Path file = write("noise.safetensors", Map.of("x_T", noise));
        Path swapped = write("swapped.safetensors", Map.of("x_T", noise.get(manager.create(new long[] {1, 0}))));

        NDArray straight = tensor(latents("--class", 2, "--count", 2, "--seed", 1, "--noise-in", file));
        NDArray crossed = tensor(latents("--class", 2, "--count", 2, "--seed", 2, "--noise-in", swapped));

        assertThat(crossed.get(0).toFloatArray())
                .containsExactly(straight.get(1).toFloatArray(), within(1e-5f));
        assertThat(crossed.get(1).toFloatArray())
                .containsExactly(straight.get(0).toFloatArray(), within(1e-5f));
        assertThat(straight.get(0).toFloatArray()).isNotEqualTo(straight.get(1).toFloatArray());
    }

    @Test
    void aSamplerThatAddsNoiseTakesItFromTheFile() throws IOException {
        NDArray x = manager.randomNormal(0, 1, X_T, DataType.FLOAT32);
        NDArray noise = manager.randomNormal(0, 1, new Shape(4).addAll(X_T), DataType.FLOAT32);
        Path with = write("with.safetensors", Map.of("x_T", x, "noise", noise));
        Path other = write("other.safetensors", Map.of("x_T", x, "noise", noise.neg()));
        Path without = write("without.safetensors", Map.of("x_T", x));
        Object[] ddpm = {"--class", 2, "--sampler", "ddpm", "--steps", 4, "--noise-in"};

        assertThat(latents(append(ddpm, with))).isEqualTo(latents(append(ddpm, with)));
        assertThat(latents(append(ddpm, other))).isNotEqualTo(latents(append(ddpm, with)));
        assertThat(run(append(ddpm, without)).err())
                .contains("has no tensor noise")
                .hasLineCount(1);
    }

    @Test
    void everySamplerMakesAnImageOfItsOwn() throws IOException {
        List<float[]> images = new ArrayList<>();
        for (String sampler : List.of("ddim", "ddpm", "dpm-solver-pp", "UNIPC")) {
            images.add(latents("--class", 2, "--seed", 1, "--sampler", sampler, "--steps", 4));
        }
        assertThat(images).doesNotHaveDuplicates();
    }

    @Test
    void aRespacingTakesThePlaceOfTheSteps() throws IOException {
        Object[] ddim = {"--class", 2, "--seed", 1};
        assertThat(latents(append(ddim, "--respacing", "ddim5"))).isEqualTo(latents(append(ddim, "--steps", 5)));
        assertThat(latents(append(ddim, "--respacing", "3,2"))).isNotEqualTo(latents(append(ddim, "--steps", 5)));
        assertThat(run("--respacing", "5", "--sampler", "unipc").err())
                .contains("respacing is '5', which goes with DDIM or DDPM")
                .hasLineCount(1);
    }

    @Test
    void aCacheGoesWithSamplersThatAddNoNoise() {
        assertThat(run("--cache-interval", 2, "--sampler", "ddpm").err())
                .contains("cache interval is 2 for Ddpm[], which adds noise")
                .hasLineCount(1);
    }

    @Test
    void etaGoesWithDdim() {
        assertThat(run("--eta", 0.5, "--sampler", "unipc").err())
                .contains("--eta 0.5 goes with --sampler ddim")
                .hasLineCount(1);
    }

    @Test
    void anAdapterReplacesWhatItHolds() throws IOException {
        Path other = TinyModel.write(dir.resolve("other"), 2);
        NDArray table = tensorOf(other, "y_embedder.subclass_table.weight");
        Path adapter = write("adapter.safetensors", Map.of("y_embedder.subclass_table.weight", table));
        Object[] plain = {"--class", 2, "--seed", 1, "--guidance-mode", "none"};

        float[] base = latents(plain);
        assertThat(latents(append(plain, "--adapter", adapter))).isNotEqualTo(base);
        assertThat(latents(append(plain, "--adapter", model.resolve("model.safetensors"))))
                .isEqualTo(base);
        assertThat(latents(append(plain, "--adapter", other.resolve("model.safetensors"))))
                .isEqualTo(latents(append(plain, "--weights", other.resolve("model.safetensors"))))
                .isNotEqualTo(base);
    }

    @Test
    void anAdapterOfAnotherModelIsRefusedWithEveryReason() throws IOException {
        Path adapter = write(
                "adapter.safetensors",
                Map.of("pos_embed", manager.ones(new Shape(1, 4, 48)), "lora.a", manager.ones(new Shape(1))));

        assertThat(run("--adapter", adapter).err())
                .contains("the model has no lora.a")
                .contains("pos_embed is (1, 4, 48), the model's is (1, 16, 48)")
                .hasLineCount(1);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--class | clas 3 | 1 | there is no class 'clas 3'; the nearest are 'class 3'",
                "--class | 6 | 1 | there is no class number 6; expected 0 to 5; superclasses are round, square",
                "--model | nowhere | 1 | there is no model 'nowhere'",
                "--weights | missing.safetensors | 1 | there is no file",
                "--taxonomy | missing.json | 1 | there is no file",
                "--noise-in | missing.safetensors | 1 | there is no file",
                "--guidance-mode | classifier-free | 1 | this model has no null label",
                "--device | tpu | 1 | device 'tpu' is unknown, expected auto, cpu or gpu",
                "--steps | 0 | 2 | steps is 0, expected 1 to 1000; try 'finestream generate --help'",
                "--guidance | NaN | 2 | guidance scale is NaN, expected a number from -100.0 to 100.0",
                "--guidance-interval | 5 | 2 | '5' is no interval, expected LOW:HIGH",
                "--guidance-interval | 9:5 | 2 | guidance interval is 9 to 5",
                "--cache-interval | 0 | 2 | cache interval is 0, expected 1 (no cache) to 10",
                "--eta | 2 | 2 | eta is 2.0, expected 0 to 1",
                "--count | 0 | 2 | --count is 0, expected at least 1",
                "--rows | 1 | 2 | --rows is 1, expected at least 2",
                "--sampler | euler | 2 | 'euler' is no sampler, expected ddim, ddpm, dpm-solver-pp or unipc",
                "--respacing | ddim60 | 2 | respacing is 'ddim60', but no whole stride visits 60 of 1000 timesteps",
                "--nonsense | 1 | 2 | --nonsense",
            })
    void aMistakeIsSaidInOneLine(String option, String value, int exitCode, String message) {
        CommandLineRun run = run(option, value);

        assertThat(run.err()).startsWith("finestream: ").contains(message).hasLineCount(1);
        assertThat(run.exitCode()).isEqualTo(exitCode);
    }

    @Test
    void aFileThatIsNoSafetensorsIsRefused() throws IOException {
        Path text = Files.writeString(dir.resolve("weights.safetensors"), "these are no weights\n");

        assertThat(run("--weights", text).err())
                .contains("is not a whole safetensors file")
                .hasLineCount(1);
    }

    @Test
    void verboseShowsWhereAnErrorCameFrom() {
        assertThat(run("--model", "nowhere", "--verbose").err()).contains("WeightsException", "\tat io.finestream.");
    }

    private CommandLineRun run(Object... args) {
        List<Object> command = new ArrayList<>(List.of("generate"));
        command.addAll(List.of(args));
        Map.of("--model", model, "--steps", 3, "--out", dir.resolve("out")).forEach((option, value) -> {
            if (!command.contains(option)) {
                command.addAll(List.of(option, value));
            }
        });
        return CommandLineRun.of(command.toArray());
    }

    private CommandLineRun generate(Object... args) {
        CommandLineRun run = run(args);
        assertThat(run.err()).isEmpty();
        assertThat(run.exitCode()).isZero();
        return run;
    }

    private float[] latents(Object... args) throws IOException {
        Path file = dir.resolve("latents.safetensors");
        generate(append(args, "--latents-out", file));
        return Safetensors.open(file)
                .map(TorchOps.load(manager), manager, "latents")
                .toFloatArray();
    }

    private static NDArray tensor(float[] latents) {
        return manager.create(latents, X_T);
    }

    private static NDArray tensorOf(Path model, String name) throws IOException {
        Safetensors file = Safetensors.open(model.resolve("model.safetensors"));
        return file.map(TorchOps.load(manager), manager, name)
                .get(new NDIndex(":"))
                .duplicate();
    }

    private Path write(String name, Map<String, NDArray> tensors) throws IOException {
        Path file = dir.resolve(name);
        Safetensors.write(file, tensors, Map.of());
        return file;
    }

    private static List<String> filesIn(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    private static Object[] append(Object[] first, Object... second) {
        return Stream.concat(Stream.of(first), Stream.of(second)).toArray();
    }
}
