package io.finestream.cli;

import io.finestream.autotune.ComputeSettings;
import io.finestream.bench.MachineBench;
import io.finestream.bench.Part;
import io.finestream.dit.ComputeType;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import me.tongfei.progressbar.ProgressBar;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;

/** {@code bench} without a subcommand: the machine's ceiling, and how much of it the program reaches. */
final class MachineBenchOptions {

    @Option(
            names = "--only",
            paramLabel = "PART",
            split = ",",
            description = "ceiling, forward, trajectory, decode, train, pipeline (default: all)")
    private Set<Part> parts = EnumSet.allOf(Part.class);

    @Option(
            names = "--model",
            paramLabel = "MODEL",
            description = "of trajectory, decode and pipeline (default ${DEFAULT-VALUE})")
    private String model = "flowers";

    @Option(
            names = "--dtype",
            paramLabel = "TYPE",
            split = ",",
            description = "arithmetic of the networks; the first is the pipeline's (default: fp32, and bf16 where the"
                    + " processor has it)")
    private List<ComputeType> types = List.of();

    @Option(names = "--threads", paramLabel = "N", description = "threads of the engine (default: all processors)")
    private int threads = Runtime.getRuntime().availableProcessors();

    @Option(
            names = "--slots",
            paramLabel = "N",
            description = "of the pipeline, which share the threads (default: 2, or 1 for one thread)")
    private @Nullable Integer slots;

    @Option(
            names = "--rows",
            paramLabel = "N",
            description = "most rows of one pass, per slot; a guided image takes 2 (default ${DEFAULT-VALUE})")
    private int rows = ComputeSettings.DETERMINISTIC.rows();

    @Option(
            names = "--batches",
            paramLabel = "N",
            description = "full batches of images for each slot of the pipeline; the first and the last do not count"
                    + " (default ${DEFAULT-VALUE})")
    private int batches = 6;

    @Option(
            names = "--repeats",
            paramLabel = "N",
            description = "of everything; the best counts (default ${DEFAULT-VALUE})")
    private int repeats = 3;

    @Option(names = "--json", paramLabel = "FILE", description = "file for the results")
    private @Nullable Path json;

    void run(CommandSpec command) throws Exception {
        Usage.requireAtLeast(command, "--threads", threads, 1);
        Usage.requireAtLeast(command, "--rows", rows, 2);
        Usage.requireAtLeast(command, "--batches", batches, MachineBench.FEWEST_BATCHES);
        Usage.requireAtLeast(command, "--repeats", repeats, 1);
        int chosenSlots = slots != null ? slots : Math.min(2, threads);
        Usage.requireAtLeast(command, "--slots", chosenSlots, 1);
        MachineBench bench = new MachineBench(model, parts, types, threads, chosenSlots, rows, batches, repeats);
        MachineBench.Result result;
        try (ProgressBar bar = Progress.bar("bench", parts.size())) {
            result = bench.run(part -> {
                bar.setExtraMessage(part.toString());
                bar.stepTo(
                        parts.stream().filter(done -> done.compareTo(part) < 0).count());
            });
        }
        new MachineReport(result).print(command.commandLine().getOut());
        if (json != null) {
            JsonFile.write(json, result);
        }
    }
}
