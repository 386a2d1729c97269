package io.finestream.cli;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import io.finestream.autotune.ComputePlan;
import io.finestream.flink.Devices;
import io.finestream.torch.TorchOps;
import io.finestream.tuning.ImageFolder;
import io.finestream.weights.ClassifierFiles;
import io.finestream.weights.GenerativeModel;
import io.finestream.weights.ModelDirectory;
import io.finestream.weights.ModelFiles;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import me.tongfei.progressbar.ProgressBar;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
        name = "evaluate",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Measures how good a model's images are: what a classifier takes them for,",
            "and how far they are from real ones. The classifier, of 'train-classifier',",
            "sees them with the background painted grey."
        },
        footer = {
            "",
            "Examples:",
            "  finestream flowers --out flowers-test --seed 2 --images 10",
            "  finestream evaluate --real flowers-test --images 5 --guidance 2",
            "  finestream evaluate --real flowers-test --images-from other-flowers"
        })
final class EvaluateCommand implements Callable<Integer> {

    @Mixin
    private ModelOptions model = new ModelOptions();

    @Option(
            names = "--images-from",
            paramLabel = "DIR",
            description = "folder superclass/subclass/image to judge in place of a model")
    private @Nullable Path imagesFrom;

    @Option(
            names = "--classifier",
            paramLabel = "DIR|NAME",
            description = "a directory of train-classifier, or a classifier that ships (default ${DEFAULT-VALUE})")
    private String classifier = "flowers-classifier";

    @Option(
            names = "--real",
            required = true,
            paramLabel = "DIR",
            description = "folder superclass/subclass/image of real images that neither network was trained on;"
                    + " its classes are the ones that are generated")
    private Path real = Path.of("");

    @Option(names = "--images", paramLabel = "N", description = "to generate of each class (default ${DEFAULT-VALUE})")
    private int count = 5;

    @Mixin
    private SamplingOptions sampling = new SamplingOptions();

    @Mixin
    private ComputeOptions compute = new ComputeOptions();

    @Option(names = "--json", paramLabel = "FILE", description = "file for the results, with all confusions")
    private @Nullable Path json;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec command;

    @Override
    public Integer call() throws IOException {
        check();
        TorchOps.prepareThread(compute.threads(), false);
        Device chosen = Devices.first(model.device());
        try (NDManager manager = TorchOps.newManager(chosen)) {
            ClassifierFiles judge =
                    ClassifierFiles.load(TorchOps.load(manager), manager, ModelDirectory.locate(classifier));
            int size = judge.classifier().config().imageSize();
            ImageFolder reference = ImageFolder.read(real, size, done -> {});
            EvaluationReport report = imagesFrom == null
                    ? ofModel(judge, manager, reference, chosen)
                    : ofFolder(judge, manager, reference, imagesFrom);
            report.print(command.commandLine().getOut());
            if (json != null) {
                report.writeJson(json);
            }
        }
        return 0;
    }

    private void check() {
        sampling.check();
        Usage.requireAtLeast(command, "--images", count, 1);
        if (imagesFrom != null && command.commandLine().getParseResult().hasMatchedOption("--model")) {
            throw Usage.wrong(command, "--model and --images-from are both given, expected one of them");
        }
    }

    private EvaluationReport ofModel(ClassifierFiles judge, NDManager manager, ImageFolder reference, Device chosen)
            throws IOException {
        ModelFiles files = model.choice().locate();
        ComputePlan plan = compute.settings().plan(files.readConfig().dit(), chosen, 1);
        try (GenerativeModel loaded = GenerativeModel.load(files, chosen, plan.type(), plan.kernels())) {
            String name = model.name();
            int size = judge.classifier().config().imageSize();
            if (loaded.imageSize() != size) {
                throw new IllegalArgumentException("the model " + name + " makes images of " + loaded.imageSize()
                        + " pixels, the classifier was trained on " + size
                        + "; train one with --size " + loaded.imageSize());
            }
            Sampling chosenSampling = sampling.of(loaded.config());
            GeneratedFolder made =
                    GeneratedFolder.make(loaded, reference.taxonomy(), count, chosenSampling, plan.rows());
            EvaluationReport.Generation generation = new EvaluationReport.Generation(
                    chosenSampling.steps(),
                    chosenSampling.guidance().scale(),
                    chosenSampling.seed(),
                    made.summary().imagesPerSecond());
            return new EvaluationReport(name, generation, evaluate(judge, manager, made.images(), reference));
        }
    }

    private EvaluationReport ofFolder(ClassifierFiles judge, NDManager manager, ImageFolder reference, Path folder)
            throws IOException {
        ImageFolder images = ImageFolder.read(folder, reference.imageSize(), done -> {});
        return new EvaluationReport(folder.toString(), null, evaluate(judge, manager, images, reference));
    }

    private static Evaluation evaluate(
            ClassifierFiles judge, NDManager manager, ImageFolder images, ImageFolder reference) {
        try (ProgressBar bar = Progress.bar("judging", (long) images.count() + reference.count())) {
            return Evaluation.of(
                    Classification.of(judge, manager, images, Classification.Surroundings.GREY, bar::stepBy),
                    Classification.of(judge, manager, reference, Classification.Surroundings.GREY, bar::stepBy));
        }
    }
}
