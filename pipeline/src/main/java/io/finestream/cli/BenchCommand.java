package io.finestream.cli;

import io.finestream.bench.CheckpointBench;
import io.finestream.bench.TuningBench;
import io.finestream.dit.ComputeType;
import io.finestream.torch.TorchOps;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import me.tongfei.progressbar.ProgressBar;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
        name = "bench",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        synopsisSubcommandLabel = "[COMMAND]",
        description = {
            "Measures what this machine can compute, and how much of that the program reaches: products of matrices, a"
                    + " pass of the network, a batch of images, decoding, training, and the whole pipeline.",
            "A command measures one thing in depth. Everything is on the CPU."
        },
        footer = {"", "Examples:", "  finestream bench --json bench.json", "  finestream bench --only ceiling,forward"},
        subcommands = {
            BenchTraceCommand.class,
            FairnessCommand.class,
            BenchQualityCommand.class,
            BenchScaleCommand.class,
            BenchInvarianceCommand.class,
            BenchCommand.Tuning.class,
            BenchCommand.Checkpoints.class
        })
final class BenchCommand implements Callable<Integer> {

    @Mixin
    private MachineBenchOptions options = new MachineBenchOptions();

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec command;

    @Override
    public Integer call() throws Exception {
        options.run(command);
        return 0;
    }

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

    @Command(
            name = "checkpoints",
            mixinStandardHelpOptions = true,
            sortOptions = false,
            description = {
                "Writes checkpoints of a published size with random weights, in every layout, and loads them:"
                        + " whether they are the same, in what time and memory, and how fast the network is.",
                "XL/2 takes 17 GB of disk."
            },
            footer = {"", "Example:", "  finestream bench checkpoints --size XL/2 --dir checkpoints"})
    static final class Checkpoints implements Callable<Integer> {

        private static final double MEGA = 1e6;
        private static final double GIGA = 1e9;

        @Option(names = "--size", paramLabel = "SIZE", description = "of the network (default ${DEFAULT-VALUE})")
        private String size = "XL/2";

        @Option(names = "--image-size", paramLabel = "PIXELS", description = "256 or 512 (default ${DEFAULT-VALUE})")
        private int imageSize = 256;

        @Option(names = "--dir", paramLabel = "DIR", required = true, description = "for the files, which stay there")
        private Path directory = Path.of("");

        @Option(names = "--threads", paramLabel = "N", description = "threads of the engine (default: all processors)")
        private int threads = Runtime.getRuntime().availableProcessors();

        @Spec
        @SuppressWarnings("NullAway.Init") // picocli sets it
        private CommandSpec command;

        @Override
        public Integer call() throws IOException {
            PrintWriter out = command.commandLine().getOut();
            TorchOps.prepareThread(threads, false);
            CheckpointBench bench = new CheckpointBench(directory, size, imageSize);
            bench.write(what -> say(out, "writing " + what));
            String difference = bench.firstDifference();
            say(out, difference.isEmpty() ? "the three are the same to the bit" : difference + " is not the same");
            for (Path model : List.of(bench.checkpoint(), bench.modelDirectory(), bench.pipeline())) {
                for (ComputeType type : List.of(ComputeType.FP32, ComputeType.BF16)) {
                    say(out, line(model, type, CheckpointBench.loadAlone(model, type)));
                }
            }
            CheckpointBench.Speed speed = CheckpointBench.speed(bench.modelDirectory(), threads);
            double rate = speed.stepFlops() / speed.stepNanos();
            say(
                    out,
                    "a guided step in fp32: %.2f s, %.0f GFLOP/s; a product of matrices: %.0f GFLOP/s (%.0f %%)"
                            .formatted(
                                    speed.stepNanos() / GIGA,
                                    rate,
                                    speed.flopsPerSecond() / GIGA,
                                    100 * rate * GIGA / speed.flopsPerSecond()));
            return difference.isEmpty() ? 0 : 1;
        }

        private static String line(Path model, ComputeType type, CheckpointBench.Loading loading) {
            return "%s in %s: loaded in %.2f s, %.2f times reading its bytes; heap %.0f MB, resident %.0f MB, at most %.0f MB"
                    .formatted(
                            model.getFileName(),
                            type,
                            loading.loadNanos() / GIGA,
                            (double) loading.loadNanos() / loading.readNanos(),
                            loading.heapBytes() / MEGA,
                            loading.residentBytes() / MEGA,
                            loading.mostResidentBytes() / MEGA);
        }

        private static void say(PrintWriter out, String line) {
            out.println(line);
            out.flush();
        }
    }
}
