package io.finestream.cli;

import io.finestream.bench.MachineBench;
import io.finestream.bench.Measurement;
import io.finestream.bench.Part;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** What {@code bench} tells people. */
record MachineReport(MachineBench.Result result) {

    private static final String LINE = "  %-39s%-5s%12s%16s%9s%16s";

    void print(PrintWriter out) {
        MachineBench bench = result.bench();
        out.printf(
                "%s, %s; %s, model %s%n",
                result.processor(),
                Counted.of(result.processors(), "processor"),
                Counted.of(bench.threads(), "engine thread"),
                bench.model());
        out.println(LINE.formatted("", "", "time", "per second", "GFLOP/s", "share"));
        for (Part part : Part.values()) {
            List<Measurement> lines = result.measurements().stream()
                    .filter(line -> line.part() == part)
                    .toList();
            if (!lines.isEmpty()) {
                out.println(part == Part.PIPELINE ? part + ", " + pipeline(bench) : part.toString());
                lines.forEach(line -> print(out, line));
            }
        }
        out.println();
        out.printf(
                "The best of %s, in turns with what it is compared with. A share of fp32 or bf16%nis one of the best"
                        + " product. Operations: the DiT paper's count, two for each multiply-add.%n",
                Counted.of(bench.repeats(), "repetition"));
        result.notes().forEach(out::println);
        out.flush();
    }

    private static String pipeline(MachineBench bench) {
        return "%s of %s, %s each"
                .formatted(
                        Counted.of(bench.slots(), "slot"),
                        Counted.of(Math.max(1, bench.threads() / bench.slots()), "thread"),
                        Counted.of(bench.rows(), "row"));
    }

    private static void print(PrintWriter out, Measurement line) {
        Measurement.Rate rate = line.rate();
        Measurement.Share share = line.share();
        String text = LINE.formatted(
                line.what(),
                line.type() == null ? "" : line.type(),
                number(line.millis(), " ms"),
                rate == null ? "" : number(rate.perSecond(), " " + rate.unit()),
                number(line.gflopsPerSecond(), ""),
                share == null ? "" : String.format(Locale.ROOT, "%.1f %% of %s", 100 * share.fraction(), share.of()));
        out.println(text.stripTrailing());
    }

    /** Three digits or more. */
    private static String number(@Nullable Double value, String unit) {
        if (value == null) {
            return "";
        }
        int decimals = Math.abs(value) < 10 ? 2 : Math.abs(value) < 100 ? 1 : 0;
        return String.format(Locale.ROOT, "%,." + decimals + "f", value) + unit;
    }
}
