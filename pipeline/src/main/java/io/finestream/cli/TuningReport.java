package io.finestream.cli;

import io.finestream.bench.TuningBench;
import io.finestream.tuning.TuningStrategy;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/** What {@code bench tuning} tells, to people and to programs. */
record TuningReport(TuningBench bench, List<TuningBench.Result> results) {

    private static final double MIB = 1 << 20;

    void writeJson(Path file) throws IOException {
        JsonFile.write(file, this);
    }

    void print(PrintWriter out) {
        out.printf(
                "%-5s %-15s%14s%9s%11s%8s%11s%8s%12s%8s%n",
                "size", "strategy", "tuned", "share", "step", ": full", "CPU", ": full", "memory", ": full");
        for (TuningBench.Result result : results) {
            TuningBench.Result full = full(result.size());
            out.printf(
                    Locale.ROOT,
                    "%-5s %-15s%,14d%7.2f %%%,8.0f ms%8.2f%,8.0f ms%8.2f%,8.0f MiB%8.2f%n",
                    result.size(),
                    result.strategy(),
                    result.tuned(),
                    100.0 * result.tuned() / result.parameters(),
                    result.stepMillis(),
                    result.stepMillis() / full.stepMillis(),
                    result.cpuMillis(),
                    result.cpuMillis() / full.cpuMillis(),
                    result.memory().bytes() / MIB,
                    (double) result.memory().bytes() / full.memory().bytes());
        }
        out.printf(
                Locale.ROOT,
                "%d pixels, %s per step, median of %s, %s, fp32; CPU is the processors' time;"
                        + " memory is the most that a process held, less the %.0f MiB of the virtual machine and the"
                        + " engine%n",
                bench.imageSize(),
                Counted.of(bench.batch(), "image"),
                Counted.of(bench.steps(), "step"),
                Counted.of(bench.threads(), "thread"),
                results.stream()
                                .mapToLong(result -> result.memory().idleBytes())
                                .average()
                                .orElse(0)
                        / MIB);
        out.flush();
    }

    private TuningBench.Result full(String size) {
        return results.stream()
                .filter(result -> result.size().equals(size) && result.strategy() == TuningStrategy.FULL)
                .findFirst()
                .orElseThrow();
    }
}
