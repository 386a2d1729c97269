package io.finestream.cli;

import io.finestream.bench.Batching;
import io.finestream.bench.Trace;
import io.finestream.bench.TraceReplay;
import io.finestream.diffusion.SampleSpec;
import io.finestream.weights.GenerativeModel;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import me.tongfei.progressbar.ProgressBar;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
        name = "trace",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Serves one arrival trace in real time with the batch formed in several ways, and compares latencies.",
            "step: requests join and leave between any two steps. request: a batch is formed of what waits, and its rows"
                    + " stay until all of it is done. shrinking: likewise, but rows that are done leave. call: likewise,"
                    + " of requests with equal steps, sampler and guidance, as arguments of a pipeline are.",
            "Latencies count from the arrival to the end of denoising; decoding is the same for all."
        },
        footer = {
            "",
            "Examples:",
            "  finestream bench trace --requests 400 --record trace.jsonl",
            "  finestream bench trace --trace trace.jsonl --batching step,call --json trace.json"
        })
final class BenchTraceCommand implements Callable<Integer> {

    @Mixin
    private BenchOptions options = new BenchOptions();

    @Option(
            names = "--trace",
            paramLabel = "FILE",
            description = "arrivals to replay, as --record writes them (default: Poisson arrivals of 10 to 50 steps)")
    private @Nullable Path traceFile;

    @Option(names = "--record", paramLabel = "FILE", description = "file for the arrivals that are replayed")
    private @Nullable Path record;

    @Option(names = "--requests", paramLabel = "N", description = "of Poisson arrivals (default ${DEFAULT-VALUE})")
    private int requests = 200;

    @Option(
            names = "--load",
            paramLabel = "SHARE",
            description = "of Poisson arrivals, of the rows per second that a full batch does, which are measured first"
                    + " (default ${DEFAULT-VALUE})")
    private double load = 0.8;

    @Option(
            names = "--guided",
            paramLabel = "SHARE",
            description = "of Poisson arrivals that are guided, 0 to 1 (default ${DEFAULT-VALUE})")
    private double guided = 0.5;

    @Option(names = "--seed", paramLabel = "N", description = "of Poisson arrivals (default ${DEFAULT-VALUE})")
    private long seed = 1;

    @Option(
            names = "--batching",
            paramLabel = "HOW",
            split = ",",
            description = "step, request, shrinking or call; separated by commas (default step,request,shrinking)")
    private List<Batching> batchings = List.of(Batching.STEP, Batching.REQUEST, Batching.SHRINKING);

    @Option(
            names = "--repeats",
            paramLabel = "N",
            description = "replays of each, in turns, all of which count (default ${DEFAULT-VALUE})")
    private int repeats = 1;

    @Option(
            names = "--calibrate",
            paramLabel = "TIME",
            converter = TimeConverters.OfDuration.class,
            description = "how long a full batch is measured, before and after (default 10s)")
    private Duration calibrate = Duration.ofSeconds(10);

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec command;

    @Override
    public Integer call() throws IOException {
        check();
        try (GenerativeModel model = options.load()) {
            Trace requested =
                    traceFile != null ? Trace.read(traceFile) : Trace.poisson(model, requests, 1, guided, seed);
            List<SampleSpec> specs = requested.specs(model);
            TraceReplay replay = new TraceReplay(model, options.rows());
            double rowsPerSecond = replay.rowsPerSecond(specs, calibrate);
            double capacity = rowsPerSecond / Trace.meanRows(specs);
            Trace trace = traceFile != null ? requested : requested.faster(load * capacity);
            if (record != null) {
                trace.write(record);
            }
            Map<Batching, List<TraceReplay.Result>> replays = replay(replay, trace);
            double rowsPerSecondAfter = replay.rowsPerSecond(specs, calibrate);
            TraceReport report = TraceReport.of(trace, rowsPerSecond, rowsPerSecondAfter, capacity, replays);
            report.print(command.commandLine().getOut(), options);
            options.write(report);
        }
        return 0;
    }

    private void check() {
        options.check();
        Usage.requireAtLeast(command, "--requests", requests, 1);
        Usage.requireAtLeast(command, "--repeats", repeats, 1);
        if (!(load > 0 && load <= 10)) {
            throw Usage.wrong(
                    command, "--load is " + load + ", expected more than 0, to 10; 1 is as much as can be done");
        }
        if (!(guided >= 0 && guided <= 1)) {
            throw Usage.wrong(command, "--guided is " + guided + ", expected 0 to 1");
        }
    }

    /** In turns, each second time in the other order, so that whatever else the machine does slows them alike. */
    private Map<Batching, List<TraceReplay.Result>> replay(TraceReplay replay, Trace trace) {
        List<Batching> order = new ArrayList<>(EnumSet.copyOf(batchings));
        Map<Batching, List<TraceReplay.Result>> results = new EnumMap<>(Batching.class);
        long answers = (long) trace.arrivals().size() * order.size() * repeats;
        try (ProgressBar bar = Progress.bar("serving", answers)) {
            for (int i = 0; i < repeats; i++) {
                for (Batching batching : order) {
                    results.computeIfAbsent(batching, none -> new ArrayList<>())
                            .add(replay.run(trace, batching, bar::stepBy));
                }
                Collections.reverse(order);
            }
        }
        return results;
    }
}
