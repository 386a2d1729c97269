package io.finestream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import io.finestream.codec.Images;
import io.finestream.flowers.FlowerFamily;
import io.finestream.flowers.Species;
import io.finestream.torch.TorchOps;
import io.finestream.weights.ClassifierFiles;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainClassifierCommandTest {

    private static final int CLASSES = FlowerFamily.values().length;
    private static final int SIZE = 16;

    @TempDir
    static Path shared;

    @TempDir
    Path dir;

    @BeforeAll
    static void drawFlowers() {
        draw("cutouts", 1, "--cutouts");
        draw("whole", 1);
    }

    @AfterAll
    static void stopRecordingGradients() {
        TorchOps.recordGradients(false);
    }

    @Test
    void aCutOutHasTheColoursOfThePictureAndHidesItsBackground() throws IOException {
        BufferedImage cutOut = image("cutouts");
        BufferedImage whole = image("whole");
        int hidden = 0;
        int shown = 0;
        for (int i = 0; i < SIZE * SIZE; i++) {
            int argb = cutOut.getRGB(i % SIZE, i / SIZE);
            assertThat(argb & 0xffffff).isEqualTo(whole.getRGB(i % SIZE, i / SIZE) & 0xffffff);
            hidden += argb >>> 24 == 0 ? 1 : 0;
            shown += argb >>> 24 == 255 ? 1 : 0;
        }
        assertThat(cutOut.getRGB(0, 0) >>> 24).isZero();
        assertThat(cutOut.getRGB(SIZE / 2, SIZE / 2) >>> 24).isEqualTo(255);
        assertThat(hidden).isGreaterThan(50);
        assertThat(shown).isGreaterThan(30);
        assertThat(whole.getColorModel().hasAlpha()).isFalse();
    }

    @Test
    void aTrainedClassifierIsWrittenWithItsAccuracyAndGoesOnWhereItStopped() throws IOException {
        CommandLineRun run = train("--steps", 2, "--test", shared.resolve("whole"));
        assertThat(run.out())
                .contains("11 images of 11 classes in 11 superclasses")
                .containsPattern("step 2, 11 held-out images, background as they are: superclass [0-9.]+ %, subclass")
                .containsPattern("step 2, 11 held-out images, background grey: superclass [0-9.]+ %, subclass");
        assertThat(Files.readAllLines(dir.resolve("held-out-accuracy.tsv"))).hasSize(3);
        assertThat(dir.resolve("batch.png")).isRegularFile();
        try (NDManager manager = TorchOps.newManager(Device.cpu())) {
            ClassifierFiles loaded = ClassifierFiles.load(TorchOps.load(manager), manager, dir);
            assertThat(loaded.classifier().config().subclasses()).isEqualTo(CLASSES);
            assertThat(loaded.taxonomy().superclasses()).hasSize(CLASSES).contains("rose");
        }
        byte[] before = Files.readAllBytes(dir.resolve("model.safetensors"));
        train("--steps", 3);
        assertThat(Files.readAllBytes(dir.resolve("model.safetensors")))
                .hasSize(before.length)
                .isNotEqualTo(before);
    }

    @Test
    void heldOutImagesOfOtherClassesAreRefused() {
        draw("more", 2);
        assertThat(run("--test", shared.resolve("more")).err())
                .contains("has other classes than")
                .hasLineCount(1);
    }

    private CommandLineRun train(Object... args) {
        CommandLineRun run = run(args);
        assertThat(run.err()).isEmpty();
        assertThat(run.exitCode()).isZero();
        return run;
    }

    private CommandLineRun run(Object... args) {
        List<Object> command = new ArrayList<>(List.of("train-classifier", "--data", shared.resolve("cutouts")));
        command.addAll(List.of("--out", dir, "--size", SIZE, "--batch", 4, "--threads", 1));
        command.addAll(List.of("--channels", "8,8", "--blocks", "1,1", "--groups", 4));
        command.addAll(List.of(args));
        return CommandLineRun.of(command.toArray());
    }

    private static void draw(String folder, int species, Object... more) {
        List<Object> command = new ArrayList<>(List.of("flowers", "--out", shared.resolve(folder)));
        command.addAll(List.of("--images", 1, "--size", SIZE, "--species", species));
        command.addAll(List.of(more));
        assertThat(CommandLineRun.of(command.toArray()).exitCode()).isZero();
    }

    private static BufferedImage image(String folder) throws IOException {
        Path file = shared.resolve(folder)
                .resolve("rose")
                .resolve(Species.of(FlowerFamily.ROSE, 0).name())
                .resolve("00000.png");
        return Images.decode(Files.readAllBytes(file));
    }
}
