package io.finestream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

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

    private static void succeed(Object... args) {
        CommandLineRun run = CommandLineRun.of(args);
        assertThat(run.err()).isEmpty();
        assertThat(run.exitCode()).isZero();
    }
}
