package io.finestream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import io.finestream.dit.Taxonomy;
import io.finestream.torch.TorchOps;
import io.finestream.tuning.TuningStrategy;
import io.finestream.weights.ModelConfig;
import io.finestream.weights.ModelFiles;
import io.finestream.weights.Safetensors;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Drawing, training and generating with the commands of the recipe, at the smallest size. */
class TrainingCommandsTest {

    @TempDir
    static Path dir;

    private static Path data;
    private static Path autoencoder;

    @BeforeAll
    static void drawAndTrainAnAutoencoder() {
        data = dir.resolve("data");
        autoencoder = dir.resolve("vae");
        succeed("flowers", "--out", data, "--species", 1, "--images", 2, "--size", 16);
        succeed(trainAutoencoder(autoencoder, 2));
    }

    @Test
    void autoencoderIsWrittenAsDiffusersDoesWithASheetAndACurve() throws IOException {
        assertThat(autoencoder).isDirectoryContaining("glob:**/diffusion_pytorch_model.safetensors");
        assertThat(Files.readString(autoencoder.resolve("config.json")))
                .contains("\"_class_name\" : \"AutoencoderKL\"")
                .contains("\"latent_channels\" : 4")
                .contains("\"scaling_factor\" : 1.0");
        assertThat(Files.size(autoencoder.resolve("reconstructions.png"))).isPositive();
    }

    @Test
    void autoencoderThatWasStoppedGoesOnAsIfItHadNotBeen() throws IOException {
        Path stopped = dir.resolve("stopped-vae");
        succeed(trainAutoencoder(stopped, 1));
        succeed(trainAutoencoder(stopped, 2));
        Path weights = Path.of("diffusion_pytorch_model.safetensors");
        assertThat(stopped.resolve(weights)).hasSameBinaryContentAs(autoencoder.resolve(weights));
    }

    @Test
    void modelOfLatentsThatWasStoppedGoesOnAsIfItHadNotBeenAndGenerates() throws IOException {
        Path whole = dir.resolve("model");
        Path stopped = dir.resolve("stopped-model");
        succeed(train(whole, 4));
        succeed(train(stopped, 3));
        succeed(train(stopped, 4));
        assertThat(stopped.resolve("model.safetensors")).hasSameBinaryContentAs(whole.resolve("model.safetensors"));
        assertThat(Files.readAllLines(whole.resolve("held-out-loss.tsv"))).hasSize(2);
        assertThat(Files.size(whole.resolve("samples.png"))).isPositive();

        Path images = dir.resolve("images");
        succeed("generate", "--model", whole, "--class", "#0", "--steps", 2, "--out", images);
        assertThat(images).isDirectoryContaining("glob:**.png");
    }

    @Test
    void trainingStartsFromAnotherModelsWeights() throws IOException {
        Path first = dir.resolve("first");
        Path second = dir.resolve("second");
        succeed(train(first, 1));
        succeed(train(second, 0, "--from", first));
        assertThat(second.resolve("model.safetensors")).hasSameBinaryContentAs(first.resolve("model.safetensors"));
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "FULL")
    void tuningLeavesTheOthersAsTheyWereAndWritesWhatItTunedAsAnAdapter(TuningStrategy strategy) throws IOException {
        Path base = dir.resolve("base");
        Path tuned = dir.resolve("tuned-" + strategy);
        succeed(train(base, 4)); // by then no layer is zero, and gradients reach them all
        succeed(tune(base, tuned, 2, "--strategy", strategy));

        Map<String, byte[]> before = tensors(base.resolve("model.safetensors"));
        Map<String, byte[]> after = tensors(tuned.resolve("model.safetensors"));
        Map<String, byte[]> adapter = tensors(tuned.resolve("adapter.safetensors"));
        assertThat(adapter.keySet()).isEqualTo(strategy.trainable(after.keySet()));
        after.forEach((name, value) -> {
            if (adapter.containsKey(name)) {
                assertThat(value).as(name).isEqualTo(adapter.get(name)).isNotEqualTo(before.get(name));
            } else {
                assertThat(value).as(name).isEqualTo(before.get(name));
            }
        });
        assertThat(Safetensors.open(tuned.resolve("adapter.safetensors")).metadata())
                .containsOnly(
                        Map.entry("format", "pt"),
                        Map.entry("strategy", strategy.toString()),
                        Map.entry("base", ModelFiles.in(base).weightsHash()));
        assertThat(latents("--model", base, "--adapter", tuned.resolve("adapter.safetensors")))
                .isEqualTo(latents("--model", tuned))
                .isNotEqualTo(latents("--model", base));
    }

    @Test
    void tuningThatWasStoppedGoesOnAsIfItHadNotBeen() throws IOException {
        Path base = dir.resolve("base-of-stopped");
        Path whole = dir.resolve("tuned-whole");
        Path stopped = dir.resolve("tuned-stopped");
        succeed(train(base, 1));
        succeed(tune(base, whole, 3, "--strategy", "fine-diffusion"));
        succeed(tune(base, stopped, 2, "--strategy", "fine-diffusion"));
        succeed(tune(base, stopped, 3, "--strategy", "fine-diffusion"));
        for (String file : List.of("model.safetensors", "adapter.safetensors")) {
            assertThat(stopped.resolve(file)).hasSameBinaryContentAs(whole.resolve(file));
        }
        assertThat(CommandLineRun.of(tune(base, stopped, 4, "--strategy", "bit-fit"))
                        .err())
                .contains("train-state.safetensors is of a run that trains other parameters");
        assertThat(CommandLineRun.of(tune(whole, stopped, 4, "--strategy", "fine-diffusion"))
                        .err())
                .contains("adapter.safetensors was tuned on another model than");
    }

    @Test
    void classesOfTheDataAreFoundByNameAndNewOnesAddedBehind() throws IOException {
        Path base = dir.resolve("base-of-grown");
        Path grown = dir.resolve("grown");
        succeed(train(base, 1));
        Taxonomy before = ModelConfig.readTaxonomy(base.resolve("taxonomy.json"));
        // one class that is there, one that is new in its superclass, one in a new superclass that sorts first
        Path more = dir.resolve("more");
        String known = before.subclassName(4);
        String family = before.superclassName(before.superclassOf(4));
        copyImages(data.resolve(family).resolve(known), more.resolve(family).resolve(known));
        copyImages(data.resolve(family).resolve(known), more.resolve(family).resolve("A new one"));
        copyImages(
                data.resolve(family).resolve(known),
                more.resolve("A new family").resolve("Another"));
        succeed(
                "train",
                "--from",
                base,
                "--strategy",
                "fine-diffusion",
                "--data",
                more,
                "--test",
                data,
                "--out",
                grown,
                "--steps",
                0,
                "--batch",
                2,
                "--threads",
                1);

        Taxonomy after = ModelConfig.readTaxonomy(grown.resolve("taxonomy.json"));
        assertThat(after.subclasses().subList(0, before.subclasses().size())).isEqualTo(before.subclasses());
        assertThat(after.names()
                        .subList(before.subclasses().size(), after.subclasses().size()))
                .containsExactly(
                        new Taxonomy.ClassName("A new family", "Another"), new Taxonomy.ClassName(family, "A new one"));
        Path adapter = grown.resolve("adapter.safetensors");
        Path taxonomy = grown.resolve("taxonomy.json");
        assertThat(latents("--model", base, "--class", known, "--adapter", adapter, "--taxonomy", taxonomy))
                .isEqualTo(latents("--model", grown, "--class", known))
                .isEqualTo(latents("--model", base, "--class", known));
        assertThat(latents("--model", grown, "--class", "A new one", "--guidance-mode", "none"))
                .isEqualTo(latents("--model", grown, "--class", known, "--guidance", 0));
    }

    @Test
    void aModelThatShipsIsTunedByItsName() throws IOException {
        Path flower = dir.resolve("one-flower");
        Path tuned = dir.resolve("shipped-tuned");
        succeed("flowers", "--out", flower, "--first", 20, "--species", 1, "--images", 1, "--size", 64);
        succeed(
                "train",
                "--from",
                "flowers",
                "--strategy",
                "diff-fit",
                "--diff-fit-blocks",
                2,
                "--data",
                flower,
                "--out",
                tuned,
                "--steps",
                1,
                "--batch",
                1,
                "--threads",
                1);
        assertThat(tensors(tuned.resolve("adapter.safetensors")))
                .containsKeys("blocks.0.gamma1", "blocks.1.gamma2")
                .doesNotContainKey("blocks.2.gamma1");
        assertThat(ModelConfig.read(tuned.resolve("config.json")).dit().subclasses())
                .isEqualTo(220 + 11);
        assertThat(tuned.resolve("vae")).isDirectoryContaining("glob:**/config.json");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--strategy fine-diffusion | tunes a model that is there; name it with --from",
                "--strategy gossip | --strategy",
                "--diff-fit-blocks 1 | --diff-fit-blocks is of --strategy diff-fit, not of full",
                "--from BASE --width 32 | --width is 32, but the model of --from has 16",
                "--from BASE --size 32 | --size is 32, but the model of --from has 16",
                "--from BASE --prediction v_prediction | --prediction is v_prediction, but the model of --from has epsilon",
                "--from BASE --label-std 1 | --label-std is 1.0, but the model of --from has labels of its own",
                "--from BASE --autoencoder OTHER | --autoencoder is OTHER, but the model of --from has another",
                "--from BASE --out BASE | is the model that is trained further; write to another directory",
                "--from BASE --strategy diff-fit --diff-fit-blocks 2 | blocks with gammas is 2, expected 1 to 1",
            })
    void aMistakeIsSaidInOneLine(String options, String message) throws IOException {
        Path base = dir.resolve("base-of-mistakes");
        Path other = dir.resolve("other-vae");
        if (Files.notExists(base)) {
            succeed(train(base, 0));
            succeed(trainAutoencoder(other, 1));
        }
        List<Object> command = new ArrayList<>(List.of("train", "--data", data, "--steps", 0));
        for (String word : options.split(" ")) {
            command.add(word.equals("BASE") ? base : word.equals("OTHER") ? other : word);
        }
        if (!command.contains("--out")) {
            command.addAll(List.of("--out", dir.resolve("mistake")));
        }
        CommandLineRun run = CommandLineRun.of(command.toArray());
        assertThat(run.exitCode()).isNotZero();
        assertThat(run.err())
                .contains(message.replace("OTHER", other.toString()))
                .hasLineCount(1);
    }

    @Test
    void aModelDirectoryWithoutItsAutoencoderIsRefusedByName() throws IOException {
        Path model = dir.resolve("without");
        succeed(train(model, 0));
        Files.delete(model.resolve("vae/config.json"));
        CommandLineRun run =
                CommandLineRun.of("generate", "--model", model, "--class", "#0", "--out", dir.resolve("none"));
        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err()).contains("vae/config.json").contains("expected an autoencoder");
    }

    private static Object[] trainAutoencoder(Path out, int steps) {
        return new Object[] {
            "train-autoencoder",
            "--data",
            data,
            "--out",
            out,
            "--steps",
            steps,
            "--size",
            16,
            "--batch",
            2,
            "--channels",
            "4,8",
            "--groups",
            4,
            "--decay-from",
            1,
            "--threads",
            1
        };
    }

    private static Object[] train(Path out, int steps, Object... more) {
        List<Object> args = new ArrayList<>(List.of(
                "train", "--data", data, "--test", data, "--out", out, "--steps", steps, "--size", 16, "--batch", 2));
        args.addAll(List.of("--autoencoder", autoencoder, "--patch", 2, "--width", 16, "--depth", 1, "--heads", 2));
        args.addAll(List.of("--timesteps", "middle", "--min-snr", 5, "--decay-from", 1, "--threads", 1));
        args.addAll(List.of(more));
        return args.toArray();
    }

    private static Object[] tune(Path from, Path out, int steps, Object... more) {
        List<Object> args = new ArrayList<>(List.of("train", "--from", from, "--data", data, "--out", out));
        args.addAll(List.of("--steps", steps, "--batch", 2, "--decay-from", 1, "--threads", 1));
        args.addAll(List.of(more));
        return args.toArray();
    }

    private static Map<String, byte[]> tensors(Path file) throws IOException {
        Map<String, byte[]> tensors = new HashMap<>();
        try (NDManager manager = TorchOps.newManager(Device.cpu())) {
            Safetensors read = Safetensors.open(file);
            TorchOps ops = TorchOps.load(manager);
            for (String name : read.names()) {
                ByteBuffer bytes = read.map(ops, manager, name).toByteBuffer();
                tensors.put(name, new byte[bytes.remaining()]);
                bytes.get(tensors.get(name));
            }
        }
        return tensors;
    }

    private static byte[] latents(Object... args) throws IOException {
        Path file = dir.resolve("latents.safetensors");
        List<Object> command = new ArrayList<>(List.of("generate", "--seed", 1, "--steps", 2, "--threads", 1));
        command.addAll(List.of("--out", dir.resolve("generated"), "--latents-out", file));
        command.addAll(List.of(args));
        succeed(command.toArray());
        return Files.readAllBytes(file);
    }

    private static void copyImages(Path from, Path to) throws IOException {
        Files.createDirectories(to);
        try (Stream<Path> images = Files.list(from)) {
            for (Path image : images.toList()) {
                Files.copy(image, to.resolve(image.getFileName()));
            }
        }
    }

    private static void succeed(Object... args) {
        CommandLineRun run = CommandLineRun.of(args);
        assertThat(run.err()).isEmpty();
        assertThat(run.exitCode()).isZero();
    }
}
