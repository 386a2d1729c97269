package io.finestream.cli;

import io.finestream.bench.Batching;
import io.finestream.bench.Latencies;
import io.finestream.bench.Trace;
import io.finestream.bench.TraceReplay;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * What {@code bench trace} tells.
 *
 * @param requests of the trace
 * @param fullRowsPerSecond of a batch that is always full
 * @param fullRowsPerSecondAfter the same after the replays: whether the machine was the same
 * @param capacity requests per second that this makes
 * @param arrivalsPerSecond of the trace
 * @param batchings one for each way of forming batches
 * @param identical requests whose images are the same to the bit in all replays
 */
record TraceReport(
        int requests,
        double fullRowsPerSecond,
        double fullRowsPerSecondAfter,
        double capacity,
        double arrivalsPerSecond,
        List<Served> batchings,
        int identical) {

    /**
     * All replays of one way of forming batches.
     *
     * @param answered seconds from a request's arrival to its answer
     * @param done seconds to its image alone, where the answer waits for others
     * @param busy share of the time that the network computed
     * @param rowsPerBusySecond how fast it then was
     */
    record Served(
            Batching batching,
            Latencies answered,
            Latencies done,
            double imagesPerSecond,
            double busy,
            double rowsPerStep,
            double rowsPerBusySecond) {

        static Served of(Batching batching, List<TraceReplay.Result> replays) {
            List<TraceReplay.Served> served =
                    replays.stream().flatMap(replay -> replay.served().stream()).toList();
            double seconds =
                    replays.stream().mapToDouble(TraceReplay.Result::seconds).sum();
            double busy = replays.stream()
                    .mapToDouble(TraceReplay.Result::busySeconds)
                    .sum();
            double rows = replays.stream().mapToLong(TraceReplay.Result::rows).sum();
            double steps = replays.stream().mapToLong(TraceReplay.Result::steps).sum();
            return new Served(
                    batching,
                    Latencies.of(served.stream()
                            .map(TraceReplay.Served::answeredSeconds)
                            .toList()),
                    Latencies.of(
                            served.stream().map(TraceReplay.Served::doneSeconds).toList()),
                    served.size() / seconds,
                    busy / seconds,
                    rows / steps,
                    rows / busy);
        }
    }

    static TraceReport of(
            Trace trace,
            double rowsPerSecond,
            double rowsPerSecondAfter,
            double capacity,
            Map<Batching, List<TraceReplay.Result>> replays) {
        List<Served> batchings = new ArrayList<>();
        replays.forEach((batching, results) -> batchings.add(Served.of(batching, results)));
        int requests = trace.arrivals().size();
        return new TraceReport(
                requests,
                rowsPerSecond,
                rowsPerSecondAfter,
                capacity,
                trace.perSecond(),
                batchings,
                identical(requests, replays));
    }

    private static int identical(int requests, Map<Batching, List<TraceReplay.Result>> replays) {
        List<TraceReplay.Result> all =
                replays.values().stream().flatMap(List::stream).toList();
        return (int) IntStream.range(0, requests)
                .filter(i -> all.stream()
                        .allMatch(replay -> Arrays.equals(
                                replay.served().get(i).latent(),
                                all.get(0).served().get(i).latent())))
                .count();
    }

    void print(PrintWriter out, BenchOptions options) {
        out.printf(
                Locale.ROOT,
                "%s, %s; a full batch: %.1f rows/s (%.1f afterwards), %.3f requests/s; arrivals: %.3f/s, %.0f %% of it%n",
                options,
                options.dtype(),
                fullRowsPerSecond,
                fullRowsPerSecondAfter,
                capacity,
                arrivalsPerSecond,
                100 * arrivalsPerSecond / capacity);
        out.printf(
                "%-24s%9s%9s%9s%9s%10s%8s%11s%13s%n",
                "batches by", "p50", "p99", "mean", "most", "images/s", "busy", "rows/step", "rows/s, busy");
        for (Served served : batchings) {
            out.printf(
                    Locale.ROOT,
                    "%s%10.3f%6.0f %%%11.1f%13.1f%n",
                    latencies(served.batching().name().toLowerCase(Locale.ROOT), served.answered()),
                    served.imagesPerSecond(),
                    100 * served.busy(),
                    served.rowsPerStep(),
                    served.rowsPerBusySecond());
            if (!served.answered().equals(served.done())) {
                out.println(latencies("  without its wait", served.done()));
            }
        }
        batchings.stream()
                .filter(served -> served.batching() == Batching.STEP)
                .findFirst()
                .ifPresent(step -> printRatios(out, step));
        out.printf(
                Locale.ROOT,
                "%,d requests, %,d of them with images that are the same to the bit%n",
                requests,
                identical);
        out.flush();
    }

    private static String latencies(String what, Latencies latencies) {
        return String.format(
                Locale.ROOT,
                "%-24s%7.2f s%7.2f s%7.2f s%7.2f s",
                what,
                latencies.p50(),
                latencies.p99(),
                latencies.mean(),
                latencies.most());
    }

    private void printRatios(PrintWriter out, Served step) {
        for (Served other : batchings) {
            if (other != step) {
                out.printf(
                        Locale.ROOT,
                        "step to %s: p99 %.2f, without its wait %.2f; mean %.2f; images/s %.2f%n",
                        other.batching().name().toLowerCase(Locale.ROOT),
                        step.answered().p99() / other.answered().p99(),
                        step.answered().p99() / other.done().p99(),
                        step.answered().mean() / other.answered().mean(),
                        step.imagesPerSecond() / other.imagesPerSecond());
            }
        }
    }
}
