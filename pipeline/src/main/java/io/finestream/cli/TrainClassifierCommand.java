package io.finestream.cli;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.finestream.codec.Images;
import io.finestream.flowers.ContactSheet;
import io.finestream.metrics.ClassAccuracy;
import io.finestream.metrics.ClassifierConfig;
import io.finestream.metrics.ClassifierParameters;
import io.finestream.metrics.ImageClassifier;
import io.finestream.torch.TorchOps;
import io.finestream.tuning.AdamW;
import io.finestream.tuning.ClassifierTrainer;
import io.finestream.tuning.CutOutSampler;
import io.finestream.tuning.CutOuts;
import io.finestream.tuning.ImageFolder;
import io.finestream.weights.ClassifierFiles;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
        name = "train-classifier",
        mixinStandardHelpOptions = true,
        description = {
            "Trains a classifier, by which 'evaluate' judges a model's images, from a",
            "folder of cut-outs, as 'flowers --cutouts' draws them. Run it again to go on",
            "where it stopped."
        },
        footer = {
            "",
            "Examples:",
            "  finestream flowers --out cutouts --cutouts --size 64",
            "  finestream flowers --out flowers-test --size 64 --seed 2 --images 10",
            "  finestream train-classifier --data cutouts --test flowers-test --out classifier --dtype bf16"
        })
final class TrainClassifierCommand implements Callable<Integer> {

    private static final int SHOWN = 64;
    private static final int COLUMNS = 16;

    @Mixin
    private TrainingOptions training = new TrainingOptions(4_000, 2e-3);

    @Option(
            names = "--test",
            paramLabel = "DIR",
            description = "folder superclass/subclass/image of whole pictures to measure the accuracy on")
    private @Nullable Path test;

    @Option(
            names = "--channels",
            split = ",",
            paramLabel = "N",
            description = "of each level, which halves the sides (default ${DEFAULT-VALUE})")
    private List<Integer> channels = ClassifierConfig.DEFAULT_CHANNELS;

    @Option(
            names = "--blocks",
            split = ",",
            paramLabel = "N",
            description = "residual blocks of each level (default ${DEFAULT-VALUE})")
    private List<Integer> blocks = ClassifierConfig.DEFAULT_BLOCKS;

    @Option(names = "--groups", description = "of the group norms (default ${DEFAULT-VALUE})")
    private int groups = ClassifierConfig.DEFAULT_GROUPS;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec command;

    @Override
    public Integer call() throws IOException {
        TorchOps.prepareThread(training.threads, true);
        print("reading %s%n", training.data);
        CutOuts data = CutOuts.read(training.data, training.size);
        ImageFolder heldOut = test == null ? null : readTest(test, data);
        ClassifierConfig config = new ClassifierConfig(
                training.size,
                channels,
                blocks,
                groups,
                data.taxonomy().subclasses().size(),
                data.taxonomy().superclasses().size());
        try (NDManager manager = TorchOps.newManager(Device.cpu())) {
            manager.getEngine().setRandomSeed(training.seed);
            TorchOps ops = TorchOps.load(manager);
            Map<String, NDArray> initial = ClassifierParameters.initialise(manager, config);
            print(
                    "%,d images of %d classes in %d superclasses; %,d parameters, %s%n",
                    data.count(),
                    config.subclasses(),
                    config.superclasses(),
                    initial.values().stream().mapToLong(NDArray::size).sum(),
                    training.dtype);
            CutOutSampler sampler = new CutOutSampler(data, training.batch, training.seed);
            writeSheet(sampler);
            try (AdamW optimizer = new AdamW(ops, manager, initial, name -> true, training.optimizer())) {
                ClassifierTrainer trainer = new ClassifierTrainer(ops, config, training.dtype, optimizer);
                new TrainingRun(training, ops, manager, optimizer, List.of("loss", "fine", "coarse", "accuracy"))
                        .run(
                                (step, rate) -> {
                                    ClassifierTrainer.StepResult found =
                                            trainer.step(manager, sampler.batch(step), rate);
                                    return new double[] {
                                        found.loss(),
                                        found.subclassLoss(),
                                        found.superclassLoss(),
                                        found.accuracy(),
                                        found.gradNorm()
                                    };
                                },
                                averaged -> {
                                    ClassifierFiles.save(
                                            training.out, config, data.taxonomy(), training.forFile(averaged));
                                    if (heldOut != null) {
                                        ImageClassifier classifier = new ImageClassifier(ops, config, averaged);
                                        measure(
                                                new ClassifierFiles(classifier, data.taxonomy()),
                                                manager,
                                                heldOut,
                                                optimizer.stepsDone());
                                    }
                                });
            }
        }
        return 0;
    }

    private ImageFolder readTest(Path folder, CutOuts data) throws IOException {
        ImageFolder images = ImageFolder.read(folder, training.size, count -> {});
        if (!images.taxonomy().subclasses().equals(data.taxonomy().subclasses())) {
            throw new IOException(folder + " has other classes than " + training.data
                    + "; expected images of the same classes, to measure the accuracy on");
        }
        return images;
    }

    /** Says how well the classifier does now, and appends it to a table. */
    private void measure(ClassifierFiles classifier, NDManager manager, ImageFolder heldOut, long step)
            throws IOException {
        Path table = training.out.resolve("held-out-accuracy.tsv");
        if (!Files.exists(table)) {
            Files.writeString(table, "step\tbackground\tsuperclass\tsubclass\n");
        }
        for (Classification.Surroundings surroundings : Classification.Surroundings.values()) {
            ClassAccuracy found = Classification.of(classifier, manager, heldOut, surroundings, done -> {})
                    .accuracy();
            String background = surroundings.name().toLowerCase(Locale.ROOT).replace('_', ' ');
            print(
                    "%nstep %,d, %s, background %s: superclass %.1f %%, subclass %.1f %%%n",
                    step,
                    Counted.of(found.images(), "held-out image"),
                    background,
                    100 * found.superclass(),
                    100 * found.subclass());
            String line = String.format(
                    Locale.ROOT, "%d\t%s\t%.4f\t%.4f%n", step, background, found.superclass(), found.subclass());
            Files.writeString(table, line, StandardOpenOption.APPEND);
        }
    }

    /** What the network is shown. */
    private void writeSheet(CutOutSampler sampler) throws IOException {
        float[] images = new CutOutSampler(sampler.data(), SHOWN, sampler.seed())
                .batch(0)
                .images();
        int numbers = images.length / SHOWN;
        List<BufferedImage> cells = new ArrayList<>();
        for (int i = 0; i < SHOWN; i++) {
            float[] planes = Arrays.copyOfRange(images, i * numbers, (i + 1) * numbers);
            cells.add(Images.fromPlanes(planes, training.size, training.size));
        }
        ContactSheet.of(cells, COLUMNS, training.size).writePng(training.out.resolve("batch.png"));
    }

    private void print(String format, Object... args) {
        command.commandLine().getOut().printf(Locale.ROOT, format, args).flush();
    }
}
