package io.finestream.cli;

import io.finestream.bench.TuningBench;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import me.tongfei.progressbar.ProgressBar;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
        name = "bench",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        description = "Measures what the program takes on this machine.",
        footer = {"", "Example:", "  finestream bench tuning --size S/2"},
        subcommands = BenchCommand.Tuning.class)
final class BenchCommand {

    @Command(
            name = "tuning",
            mixinStandardHelpOptions = true,
            sortOptions = false,
            description = {
                "Measures a training step by strategy: time, and most memory held.",
                "The network is a published DiT with iNaturalist's classes, in fp32 on the CPU. The steps of"
                        + " the strategies take turns; memory is measured in a process for each."
            },
            footer = {"", "Example:", "  finestream bench tuning --size S/2 --size B/2 --batch 4 --steps 5"})
    static final class Tuning implements Callable<Integer> {

        @Option(
                names = "--size",
                paramLabel = "SIZE",
                description = "of the network: S, B, L or XL, a slash, and a patch size 2, 4 or 8; repeatable"
                        + " (default: S/2)")
        private List<String> sizes = List.of("S/2");

        @Option(names = "--image-size", paramLabel = "PIXELS", description = "256 or 512 (default ${DEFAULT-VALUE})")
        private int imageSize = 256;

        @Option(names = "--batch", paramLabel = "N", description = "images per step (default ${DEFAULT-VALUE})")
        private int batch = 4;

        @Option(
                names = "--steps",
                paramLabel = "N",
                description = "to time of each strategy; the median counts (default ${DEFAULT-VALUE})")
        private int steps = 3;

        @Option(names = "--threads", paramLabel = "N", description = "threads of the engine (default: all processors)")
        private int threads = Runtime.getRuntime().availableProcessors();

        @Option(names = "--json", paramLabel = "FILE", description = "file for the results")
        private @Nullable Path json;

        @Spec
        @SuppressWarnings("NullAway.Init") // picocli sets it
        private CommandSpec command;

        @Override
        public Integer call() throws IOException {
            Usage.requireAtLeast(command, "--image-size", imageSize, 64);
            Usage.requireAtLeast(command, "--batch", batch, 1);
            Usage.requireAtLeast(command, "--steps", steps, 1);
            Usage.requireAtLeast(command, "--threads", threads, 1);
            TuningBench bench = new TuningBench(imageSize, batch, steps, threads);
            List<TuningBench.Result> results = new ArrayList<>();
            try (ProgressBar bar = Progress.bar("tuning", bench.work() * sizes.size())) {
                for (String size : sizes) {
                    results.addAll(bench.run(size, bar::stepBy));
                }
            }
            TuningReport report = new TuningReport(bench, results);
            report.print(command.commandLine().getOut());
            if (json != null) {
                report.writeJson(json);
            }
            return 0;
        }
    }
}
