package io.finestream.bench;

import ai.djl.Device;
import io.finestream.autotune.ComputePlan;
import io.finestream.autotune.ComputeSettings;
import io.finestream.dit.ComputeType;
import io.finestream.flink.GenerationSettings;
import io.finestream.torch.TorchOps;
import io.finestream.weights.GenerativeModel;
import io.finestream.weights.ModelDirectory;
import io.finestream.weights.ModelFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * What this machine can compute, and how much of that the program reaches: from the product of two matrices to the whole
 * pipeline. On the CPU.
 *
 * @param model directory, checkpoint, or name of a shipped model
 * @param parts that are measured
 * @param types arithmetic of the networks; none to leave out what the processor has no instructions for. The first is
 *     the pipeline's
 * @param threads of the engine; the slots of the pipeline share them
 * @param slots of the pipeline
 * @param rows most rows of one pass, per slot
 * @param batches that each slot of the pipeline makes in a run
 * @param repeats of everything
 */
public record MachineBench(
        String model,
        Set<Part> parts,
        List<ComputeType> types,
        int threads,
        int slots,
        int rows,
        int batches,
        int repeats) {

    /** The least of {@link #batches}: one to warm up, one to drain, and what counts between them. */
    public static final int FEWEST_BATCHES = PipelineBench.FEWEST_BATCHES;

    private static final Path PROCESSORS = Path.of("/proc/cpuinfo");

    /**
     * What was measured.
     *
     * @param processor what it calls itself
     * @param processors that this program may use
     * @param notes sentences about what was left out
     */
    public record Result(
            String processor, int processors, MachineBench bench, List<Measurement> measurements, List<String> notes) {}

    /** @param progress told of each part before it begins */
    public Result run(Consumer<Part> progress) throws Exception {
        Path located = ModelDirectory.locate(model); // what is not there is said at once
        Path directory = Files.createTempDirectory("finestream-bench");
        TorchOps.prepareThread(threads, false);
        List<String> notes = new ArrayList<>();
        List<Measurement> measurements = new ArrayList<>();
        try (Ceiling ceiling = new Ceiling(repeats)) {
            List<ComputeType> chosen = chosenTypes(ceiling, notes);
            for (Part part : Part.values()) {
                if (parts.contains(part)) {
                    progress.accept(part);
                    measurements.addAll(measure(part, located, directory, chosen, ceiling));
                }
            }
            List<Measurement> compared =
                    measurements.stream().map(one -> one.under(ceiling)).toList();
            return new Result(processor(), Runtime.getRuntime().availableProcessors(), this, compared, notes);
        } finally {
            delete(directory);
        }
    }

    private List<Measurement> measure(
            Part part, Path located, Path directory, List<ComputeType> chosen, Ceiling ceiling) throws Exception {
        return switch (part) {
            case CEILING ->
                Stream.of(ComputeType.values())
                        .flatMap(type -> ceiling.measurements(type).stream())
                        .toList();
            case FORWARD -> ForwardBench.published(repeats).run(directory, chosen, ceiling);
            case TRAJECTORY -> new TrajectoryBench(located, rows, repeats).run(chosen, ceiling);
            case DECODE -> new DecodeBench(located, rows, repeats).run();
            case TRAIN -> TrainBench.published(repeats).run(threads, ceiling);
            case PIPELINE ->
                new PipelineBench(settings(chosen.get(0)), slots, batches, repeats).run(directory.resolve("pipeline"));
        };
    }

    /** Loads a model with the kernels that are fastest here, as a job does. */
    static GenerativeModel load(Path model, ComputeType type) throws IOException {
        ModelFiles files = ModelFiles.in(model);
        ComputePlan plan = ComputeSettings.MEASURED
                .withType(type)
                .withRows(ComputeSettings.MIN_ROWS)
                .plan(files.readConfig().dit(), Device.cpu(), 1);
        return GenerativeModel.load(files, Device.cpu(), type, plan.kernels());
    }

    private GenerationSettings settings(ComputeType type) {
        return GenerationSettings.forModel(model)
                .withCompute(ComputeSettings.MEASURED
                        .withType(type)
                        .withRows(rows)
                        .withThreads(Math.max(1, threads / slots)));
    }

    private List<ComputeType> chosenTypes(Ceiling ceiling, List<String> notes) {
        if (!types.isEmpty()) {
            return types;
        }
        if (Collections.disjoint(parts, List.of(Part.FORWARD, Part.TRAJECTORY))) {
            return List.of(ComputeType.FP32); // what the others run in first
        }
        List<ComputeType> chosen = new ArrayList<>();
        for (ComputeType type : ComputeType.values()) {
            if (ceiling.isEmulated(type)) {
                notes.add(String.format(
                        Locale.ROOT,
                        "Networks in %s are left out: its product takes %.0f times as long as that of %s, as where%na"
                                + " processor has no instructions for it. --dtype %s,%s measures them all the same.",
                        type,
                        ceiling.flopsPerSecond(ComputeType.FP32) / ceiling.flopsPerSecond(type),
                        ComputeType.FP32,
                        ComputeType.FP32,
                        type));
            } else {
                chosen.add(type);
            }
        }
        return chosen;
    }

    private static String processor() throws IOException {
        if (!Files.isReadable(PROCESSORS)) {
            return System.getProperty("os.arch");
        }
        try (Stream<String> lines = Files.lines(PROCESSORS)) {
            return lines.filter(line -> line.startsWith("model name"))
                    .map(line -> line.substring(line.indexOf(':') + 1).strip())
                    .findFirst()
                    .orElse(System.getProperty("os.arch"));
        }
    }

    static void delete(Path directory) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }
}
