package io.finestream.cli;

import io.finestream.bench.FairnessBench;
import io.finestream.flink.GenerationSettings;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
        name = "fairness",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Measures how long single requests take while a request for many images is served, and without it.",
            "The whole job runs in this process, with a Kafka of its own; a time is that from a request's Kafka"
                    + " timestamp to its image file."
        },
        footer = {"", "Example:", "  finestream bench fairness --singles 100 --images 1000"})
final class FairnessCommand implements Callable<Integer> {

    @Option(names = "--model", paramLabel = "MODEL", description = "as of run (default ${DEFAULT-VALUE})")
    private String model = "flowers";

    @Option(
            names = "--singles",
            paramLabel = "N",
            description = "single requests, each time (default ${DEFAULT-VALUE})")
    private int singles = 100;

    @Option(
            names = "--interval",
            paramLabel = "TIME",
            converter = TimeConverters.OfDuration.class,
            description = "between two of them on the average (default: 1s)")
    private Duration interval = Duration.ofSeconds(1);

    @Option(names = "--images", paramLabel = "N", description = "of the large request (default ${DEFAULT-VALUE})")
    private int images = 1_000;

    @Option(names = "--steps", paramLabel = "N", description = "of every image (default ${DEFAULT-VALUE})")
    private int steps = 20;

    @Mixin
    private ComputeOptions compute = new ComputeOptions();

    @Option(names = "--slots", paramLabel = "N", description = "parallel subtasks (default ${DEFAULT-VALUE})")
    private int slots = 1;

    @Option(names = "--json", paramLabel = "FILE", description = "file for the results")
    private @Nullable Path json;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec command;

    @Override
    public Integer call() throws Exception {
        Usage.requireAtLeast(command, "--singles", singles, 1);
        Usage.requireAtLeast(command, "--images", images, 1);
        Usage.requireAtLeast(command, "--steps", steps, 1);
        Usage.requireAtLeast(command, "--slots", slots, 1);
        GenerationSettings settings = GenerationSettings.forModel(model).withCompute(compute.settings());
        FairnessBench bench = new FairnessBench(settings, slots, singles, interval, images, steps);
        PrintWriter err = command.commandLine().getErr();
        Path directory = Files.createTempDirectory("finestream-fairness");
        FairnessBench.Result result;
        try {
            result = bench.run(directory, what -> {
                err.println(what + " ...");
                err.flush();
            });
        } finally {
            delete(directory);
        }
        print(result, command.commandLine().getOut());
        if (json != null) {
            JsonFile.write(json, result);
        }
        return 0;
    }

    private void print(FairnessBench.Result result, PrintWriter out) {
        out.printf("%-14s%12s%12s%18s%n", "single ones", "p50", "p99", "large");
        for (FairnessBench.Phase phase : List.of(result.unloaded(), result.loaded())) {
            out.printf(
                    Locale.ROOT,
                    "%-14s%,9.0f ms%,9.0f ms%,9.2f images/s%n",
                    phase.name(),
                    phase.p50Millis(),
                    phase.p99Millis(),
                    phase.largeImagesPerSecond());
        }
        out.printf(Locale.ROOT, "%-14s%12.2f%12.2f%n", "ratio", result.p50Ratio(), result.p99Ratio());
        out.printf(
                Locale.ROOT,
                "%s about every %d ms, %s per image, %s; the large request alone: %.2f images/s%n",
                Counted.of(singles, "single request"),
                interval.toMillis(),
                Counted.of(steps, "step"),
                Counted.of(slots, "slot"),
                result.largeAloneImagesPerSecond());
        out.flush();
    }

    private static void delete(Path directory) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }
}
