package io.finestream.cli;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import io.finestream.autotune.ComputePlan;
import io.finestream.diffusion.Guidance;
import io.finestream.diffusion.Noise;
import io.finestream.diffusion.SampleSpec;
import io.finestream.dit.DiTConfig;
import io.finestream.dit.Taxonomy;
import io.finestream.flink.Devices;
import io.finestream.schemas.SamplerName;
import io.finestream.torch.TorchOps;
import io.finestream.weights.GenerativeModel;
import io.finestream.weights.ModelFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import me.tongfei.progressbar.ProgressBar;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
        name = "generate",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Makes images with a model and writes them to files, without Kafka or Flink.",
            "The same class, seed and sample number give the same image here and from the generation job."
        },
        footer = {
            "",
            "Examples:",
            "  finestream generate --out flowers --grid flowers.png",
            "  finestream generate --class rose --count 4 --seed 7 --guidance 3 --grid roses.png"
        })
final class GenerateCommand implements Callable<Integer> {

    private static final Path DEFAULT_OUT = Path.of("generated");

    @Mixin
    private ModelOptions model = new ModelOptions();

    @Option(
            names = "--class",
            paramLabel = "CLASS",
            description = "name or number; a superclass for all in it; or 'all'; repeatable"
                    + " (default: the first class of each superclass)")
    private List<String> classes = List.of();

    @Option(names = "--count", paramLabel = "N", description = "images per class (default ${DEFAULT-VALUE})")
    private int count = 1;

    @Mixin
    private SamplingOptions sampling = new SamplingOptions();

    @Mixin
    private ComputeOptions compute = new ComputeOptions();

    @Option(
            names = "--out",
            paramLabel = "DIR",
            description = "folder for the files CLASS-SAMPLE.png (default 'generated', or none if --grid or"
                    + " --latents-out is given)")
    private @Nullable Path out;

    @Option(
            names = "--grid",
            paramLabel = "FILE",
            description = "PNG of the images on one sheet (the first " + ImageGrid.MOST_IMAGES + ")")
    private @Nullable Path grid;

    @Option(
            names = "--noise-in",
            paramLabel = "FILE",
            description = "safetensors with x_T [N, C, H, W] and, for samplers that add noise, noise"
                    + " [steps, N, C, H, W]; row n is for image n")
    private @Nullable Path noiseIn;

    @Option(
            names = "--latents-out",
            paramLabel = "FILE",
            description = "safetensors to write the results to, before decoding: latents [N, C, H, W]")
    private @Nullable Path latentsOut;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec command;

    @Override
    public Integer call() throws IOException {
        check();
        Path folder = out == null && grid == null && latentsOut == null ? DEFAULT_OUT : out;
        if (folder != null) {
            Files.createDirectories(folder);
        }
        ModelFiles files = model.choice().locate();
        Device device = Devices.first(model.device());
        ComputePlan plan = compute.settings().plan(files.readConfig().dit(), device, 1);
        TorchOps.prepareThread(plan.threads(), false);
        try (GenerativeModel loaded = GenerativeModel.load(files, device, plan.type(), plan.kernels())) {
            List<SampleSpec> samples = samples(loaded);
            ResultFiles results = new ResultFiles(loaded, samples, folder, grid, latentsOut);
            OfflineRun.Summary summary = run(loaded, plan.rows(), samples, results);
            results.finish();
            report(summary, folder);
        }
        return 0;
    }

    private void check() {
        sampling.check();
        Usage.requireAtLeast(command, "--count", count, 1);
    }

    private List<SampleSpec> samples(GenerativeModel loaded) {
        Taxonomy names = loaded.taxonomy();
        Guidance guidance = sampling.guidance(loaded.config());
        guidance.requireSupportedBy(loaded.config().dit());
        List<SampleSpec> samples = new ArrayList<>();
        for (int subclass : ClassSelection.resolve(names, classes)) {
            int superclass = names.superclassOf(subclass);
            for (int sample = 0; sample < count; sample++) {
                long seedOfSample = noiseIn == null ? sampling.seed() : samples.size(); // its row in the file
                samples.add(new SampleSpec(
                        subclass,
                        superclass,
                        seedOfSample,
                        sample,
                        guidance,
                        sampling.sampler(),
                        sampling.stepsTaken()));
            }
        }
        return samples;
    }

    private OfflineRun.Summary run(GenerativeModel loaded, int rows, List<SampleSpec> samples, ResultFiles results)
            throws IOException {
        if (noiseIn == null) {
            return run(loaded, rows, Noise.SEEDED, samples, results);
        }
        boolean addsNoise = sampling.samplerName() == SamplerName.DDPM || sampling.eta() > 0;
        DiTConfig config = loaded.config().dit();
        try (RecordedNoise noise =
                RecordedNoise.open(noiseIn, config, samples.size(), addsNoise ? sampling.stepsTaken() : 0)) {
            return run(loaded, rows, noise, samples, results);
        }
    }

    private OfflineRun.Summary run(
            GenerativeModel loaded, int rows, Noise noise, List<SampleSpec> samples, ResultFiles results)
            throws IOException {
        try (NDManager manager = loaded.newManager();
                ProgressBar bar = Progress.bar("denoising", (long) samples.size() * sampling.stepsTaken())) {
            return new OfflineRun(loaded.diffusion(), rows, noise, manager).run(samples, results, bar::stepBy);
        }
    }

    private void report(OfflineRun.Summary summary, @Nullable Path folder) {
        String to = folder != null ? " to " + folder : "";
        command.commandLine()
                .getOut()
                .printf(
                        Locale.ROOT,
                        "%s%s in %.1f s: %.2f images/s, %.1f rows per step; %s%n",
                        Counted.of(summary.images(), "image"),
                        to,
                        summary.time().toNanos() / 1e9,
                        summary.imagesPerSecond(),
                        summary.rowsPerStep(),
                        noiseIn == null ? "seed " + sampling.seed() : "noise from " + noiseIn)
                .flush();
    }
}
