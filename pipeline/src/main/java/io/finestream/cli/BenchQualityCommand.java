package io.finestream.cli;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import io.finestream.diffusion.Guidance;
import io.finestream.diffusion.Sampler;
import io.finestream.dit.ComputeType;
import io.finestream.dit.Taxonomy;
import io.finestream.flowers.Species;
import io.finestream.torch.TorchOps;
import io.finestream.tuning.ImageFolder;
import io.finestream.weights.ClassifierFiles;
import io.finestream.weights.GenerativeModel;
import io.finestream.weights.ModelDirectory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
        name = "quality",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Compares images of bf16 and of fp32, and of few steps and of many: pixel by pixel where they come from the"
                    + " same noise, and as sets by their Fréchet distance in the features of a classifier.",
            "All sets are of one size, which distances depend on."
        },
        footer = {
            "",
            "Examples:",
            "  finestream bench quality --classes 55",
            "  finestream bench quality --model my-model --classifier my-classifier --real other-photos --images 5"
        })
final class BenchQualityCommand implements Callable<Integer> {

    private static final int STEPS = 20;

    @Mixin
    private BenchOptions options = new BenchOptions();

    @Option(
            names = "--classifier",
            paramLabel = "DIR|NAME",
            description = "a directory of train-classifier, or a classifier that ships (default ${DEFAULT-VALUE})")
    private String classifier = "flowers-classifier";

    @Option(
            names = "--real",
            paramLabel = "DIR",
            description = "folder superclass/subclass/image of real images that neither network was trained on, twice"
                    + " --images of each class (default: flowers, drawn anew)")
    private @Nullable Path real;

    @Option(names = "--classes", paramLabel = "N", description = "of the real images, spread over them (default: all)")
    private @Nullable Integer classes;

    @Option(names = "--images", paramLabel = "N", description = "of each class in a set (default ${DEFAULT-VALUE})")
    private int images = 1;

    @Option(
            names = "--many-steps",
            paramLabel = "N",
            description = "of DDPM, beside " + STEPS + " of DPM-Solver++ and UniPC (default ${DEFAULT-VALUE})")
    private int manySteps = 250;

    @Option(names = "--seed", paramLabel = "N", description = "of the noise (default ${DEFAULT-VALUE})")
    private long seed = 1;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec command;

    /** What has to be known of a set to report on it. */
    private record MadeSet(String name, ComputeType type, int steps, double secondsPerImage, JudgedSet judged) {
        QualityReport.Made beside(JudgedSet real, JudgedSet many) {
            return new QualityReport.Made(
                    name,
                    type,
                    steps,
                    secondsPerImage,
                    judged.accuracy().superclass(),
                    judged.accuracy().subclass(),
                    judged.distance(real),
                    judged.distance(many));
        }
    }

    /** Makes images of the real ones' classes. */
    private interface Maker {
        MadeSet make(String name, Sampler sampler, int steps, long seed) throws IOException;
    }

    @Override
    public Integer call() throws IOException {
        options.check();
        options.refuseDtype();
        Usage.requireAtLeast(command, "--images", images, 1);
        Usage.requireAtLeast(command, "--many-steps", manySteps, 1);
        Usage.requireAtLeast(command, "--classes", Objects.requireNonNullElse(classes, 2), 2);
        try (NDManager manager = TorchOps.newManager(Device.cpu())) {
            QualityReport report = measure(manager);
            report.print(command.commandLine().getOut(), options);
            options.write(report);
        }
        return 0;
    }

    private QualityReport measure(NDManager manager) throws IOException {
        ClassifierFiles judge =
                ClassifierFiles.load(TorchOps.load(manager), manager, ModelDirectory.locate(classifier));
        ImageFolder reference = reference(judge.classifier().config().imageSize());
        Sampler dpm = new Sampler.DpmSolverPp();
        MadeSet few;
        MadeSet otherNoise;
        MadeSet uniPc;
        MadeSet many;
        try (GenerativeModel model = options.load(ComputeType.FP32)) {
            Maker maker = maker(model, ComputeType.FP32, reference.taxonomy(), judge, manager);
            few = maker.make("DPM-Solver++", dpm, STEPS, seed);
            otherNoise = maker.make("DPM-Solver++, other noise", dpm, STEPS, seed + 1);
            uniPc = maker.make("UniPC", new Sampler.UniPc(), STEPS, seed);
            many = maker.make("DDPM", new Sampler.Ddpm(), manySteps, seed);
        }
        MadeSet narrow;
        try (GenerativeModel model = options.load(ComputeType.BF16)) {
            Maker maker = maker(model, ComputeType.BF16, reference.taxonomy(), judge, manager);
            narrow = maker.make("DPM-Solver++", dpm, STEPS, seed);
        }
        JudgedSet real = JudgedSet.of(judge, manager, part(reference, 0));
        JudgedSet otherReal = JudgedSet.of(judge, manager, part(reference, images));
        return new QualityReport(
                real.images().count(),
                QualityReport.Real.of(real, otherReal),
                Stream.of(few, otherNoise, uniPc, many, narrow)
                        .map(set -> set.beside(real, many.judged()))
                        .toList(),
                List.of(
                        QualityReport.Pair.of("bf16 and fp32", narrow.judged(), few.judged()),
                        QualityReport.Pair.of("UniPC and DPM-Solver++", uniPc.judged(), few.judged()),
                        QualityReport.Pair.of("other noise: no likeness", otherNoise.judged(), few.judged())));
    }

    private Maker maker(
            GenerativeModel model, ComputeType type, Taxonomy taxonomy, ClassifierFiles judge, NDManager manager) {
        Guidance guidance = Guidance.fineGrained(
                        model.config().defaults().guidanceScale(),
                        model.config().defaults().guidedChannels())
                .forModel(model.config().dit());
        return (name, sampler, steps, noise) -> {
            GeneratedFolder made = GeneratedFolder.make(
                    model, taxonomy, images, new Sampling(sampler, steps, guidance, noise), options.rows());
            double perImage = 1 / made.summary().imagesPerSecond();
            return new MadeSet(name, type, steps, perImage, JudgedSet.of(judge, manager, made.images()));
        };
    }

    /** The real images of the classes that are asked for. */
    private ImageFolder reference(int size) throws IOException {
        if (real == null) {
            List<Species> all = UnseenFlowers.species();
            return UnseenFlowers.draw(chosen(all.size()).mapToObj(all::get).toList(), 2 * images, size);
        }
        ImageFolder all = ImageFolder.read(real, size, done -> {});
        Taxonomy taxonomy = all.taxonomy();
        int[] chosen = chosen(taxonomy.subclasses().size()).toArray();
        for (int subclass : chosen) {
            int there = all.images().get(subclass).size();
            if (there < 2 * images) {
                throw new IllegalArgumentException(real + " has " + Counted.of(there, "image") + " of '"
                        + taxonomy.subclassName(subclass) + "', expected " + 2 * images
                        + ", twice --images: half of them are the measure of the other half");
            }
        }
        return new ImageFolder(
                new Taxonomy(
                        taxonomy.superclasses(),
                        IntStream.of(chosen)
                                .mapToObj(taxonomy.subclasses()::get)
                                .toList()),
                size,
                IntStream.of(chosen).mapToObj(all.images()::get).toList());
    }

    /** Which classes, evenly among all. */
    private IntStream chosen(int all) {
        int count = Math.min(all, Objects.requireNonNullElse(classes, all));
        return IntStream.range(0, count).map(i -> (int) ((long) i * all / count));
    }

    /** A set's images of each class, from one on. */
    private ImageFolder part(ImageFolder all, int from) {
        return new ImageFolder(
                all.taxonomy(),
                all.imageSize(),
                all.images().stream()
                        .map(ofClass -> ofClass.subList(from, from + images))
                        .toList());
    }
}
