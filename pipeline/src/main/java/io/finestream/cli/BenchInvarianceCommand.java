package io.finestream.cli;

import io.finestream.bench.InvarianceBench;
import io.finestream.bench.Trace;
import io.finestream.metrics.PixelDifference;
import io.finestream.weights.GenerativeModel;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import me.tongfei.progressbar.ProgressBar;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
        name = "invariance",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Makes the same images alone, in a full batch of their like, and among neighbours of other samplers,"
                    + " lengths and guidance that come and go, and compares the PNG files.",
            "Ends with 1 if any differs."
        },
        footer = {"", "Example:", "  finestream bench invariance --model my-model --requests 24 --dtype bf16"})
final class BenchInvarianceCommand implements Callable<Integer> {

    private static final double GUIDED = 0.5; // share of the requests

    @Mixin
    private BenchOptions options = new BenchOptions();

    @Option(names = "--requests", paramLabel = "N", description = "to compare (default ${DEFAULT-VALUE})")
    private int requests = 12;

    @Option(names = "--seed", paramLabel = "N", description = "of the requests (default ${DEFAULT-VALUE})")
    private long seed = 1;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec command;

    @Override
    public Integer call() throws IOException {
        options.check();
        Usage.requireAtLeast(command, "--requests", requests, 1);
        List<InvarianceBench.Result> results;
        try (GenerativeModel model = options.load();
                ProgressBar bar = Progress.bar("comparing", InvarianceBench.work(requests))) {
            results = new InvarianceBench(model, options.rows())
                    .run(Trace.poisson(model, requests, 1, GUIDED, seed).specs(model), bar::stepBy);
        }
        print(command.commandLine().getOut(), results);
        options.write(results);
        return results.stream().allMatch(result -> result.identicalFiles() == requests) ? 0 : 1;
    }

    private void print(PrintWriter out, List<InvarianceBench.Result> results) {
        out.println(options + ", " + options.dtype());
        out.printf("%-12s%18s%24s%24s%n", "neighbours", "identical files", "mean difference, of 255", "largest");
        for (InvarianceBench.Result result : results) {
            PixelDifference pixels = result.pixels();
            out.printf(
                    Locale.ROOT,
                    "%-12s%10d of %4d%24.5f%24d%n",
                    result.neighbours().name().toLowerCase(Locale.ROOT),
                    result.identicalFiles(),
                    pixels.images(),
                    pixels.mean(),
                    pixels.largest());
        }
        out.flush();
    }
}
