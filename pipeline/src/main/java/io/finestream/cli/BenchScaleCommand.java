package io.finestream.cli;

import io.finestream.bench.RandomModel;
import io.finestream.bench.ScaleBench;
import io.finestream.bench.SlotMemory;
import io.finestream.dit.DiTConfig;
import io.finestream.weights.GenerativeModel;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import me.tongfei.progressbar.ProgressBar;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
        name = "scale",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Measures what a step of the batch costs with its rows, with the model's classes, and with slots that share"
                    + " the weights in one virtual machine; and the memory of such slots.",
            "Memory is measured on the CPU, in a process for each number of slots."
        },
        footer = {
            "",
            "Examples:",
            "  finestream bench scale --batch 1,2,4,8,16,32 --classes 10,1000,10000,50000",
            "  finestream bench scale --size XL/2 --rows 2     # writes 2.7 GB to the folder for temporary files"
        })
final class BenchScaleCommand implements Callable<Integer> {

    private static final int ROWS_PER_IMAGE = 40; // 20 guided steps
    private static final double MEGA = 1e6;

    @Mixin
    private BenchOptions options = new BenchOptions();

    @Option(names = "--batch", paramLabel = "ROWS", split = ",", description = "rows of a step (default 1,2,4,8,16,32)")
    private List<Integer> batches = List.of(1, 2, 4, 8, 16, 32);

    @Option(
            names = "--classes",
            paramLabel = "N",
            split = ",",
            description = "rows of the label table, random ones (default 10,1000,10000,50000)")
    private List<Integer> classes = List.of(10, 1_000, 10_000, 50_000);

    @Option(names = "--slots", paramLabel = "N", split = ",", description = "threads with a batch each (default 1,2)")
    private List<Integer> slots = List.of(1, 2);

    @Option(
            names = "--steps",
            paramLabel = "N",
            description = "to time of each, in turns; the median counts (default ${DEFAULT-VALUE})")
    private int steps = 9;

    @Option(
            names = "--size",
            paramLabel = "SIZE",
            description = "measure the memory of a random network of this published size, as in XL/2"
                    + " (default: of the model)")
    private @Nullable String size;

    @Option(
            names = "--image-size",
            paramLabel = "PIXELS",
            description = "of the random network (default ${DEFAULT-VALUE})")
    private int imageSize = 256;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec command;

    /** Everything. */
    private record Results(
            List<ScaleBench.OfRows> rows,
            List<ScaleBench.OfClasses> classes,
            List<ScaleBench.OfSlots> slots,
            List<SlotMemory> memory) {}

    @Override
    public Integer call() throws IOException {
        check();
        PrintWriter out = command.commandLine().getOut();
        List<ScaleBench.OfRows> ofRows;
        List<ScaleBench.OfClasses> ofClasses;
        List<ScaleBench.OfSlots> ofSlots = new ArrayList<>();
        try (GenerativeModel model = options.load();
                ProgressBar bar = Progress.bar("stepping", work())) {
            ScaleBench bench = new ScaleBench(model, options.dtype(), options.threads(), steps);
            ofRows = bench.rows(batches, bar::stepBy);
            ofClasses = bench.classes(classes, options.rows(), bar::stepBy);
            for (int count : slots) {
                ofSlots.add(bench.slots(count, options.rows(), bar::stepBy));
            }
        }
        Results results = new Results(ofRows, ofClasses, ofSlots, memory());
        print(out, results);
        options.write(results);
        return 0;
    }

    private void check() {
        options.check();
        Stream.of(batches, classes, slots)
                .flatMap(List::stream)
                .forEach(n -> Usage.requireAtLeast(command, "--batch, --classes or --slots", n, 1));
        Usage.requireAtLeast(command, "--steps", steps, 1);
        Usage.requireAtLeast(command, "--image-size", imageSize, 64);
        if (steps > ScaleBench.MOST_STEPS) {
            throw Usage.wrong(command, "--steps is " + steps + ", expected at most " + ScaleBench.MOST_STEPS);
        }
    }

    private long work() {
        int ofSlots = slots.stream().mapToInt(Integer::intValue).sum();
        return (long) steps * (batches.size() + classes.size() + ofSlots);
    }

    private List<SlotMemory> memory() throws IOException {
        if (size == null) {
            return memoryOf(options.modelPath());
        }
        Path directory = Files.createTempDirectory("finestream-bench");
        try {
            RandomModel.write(directory, size, DiTConfig.published(size, imageSize, 10_000, 11, false));
            return memoryOf(directory);
        } finally {
            try (Stream<Path> files = Files.walk(directory)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(file);
                }
            }
        }
    }

    private List<SlotMemory> memoryOf(Path model) throws IOException {
        List<SlotMemory> memory = new ArrayList<>();
        for (int count : slots) {
            memory.add(SlotMemory.measure(model, options.dtype(), count, options.rows(), options.threads()));
        }
        return memory;
    }

    private void print(PrintWriter out, Results results) {
        out.println(options + ", " + options.dtype());
        out.printf("%-10s%12s%12s%42s%n", "rows", "step", "rows/s", "images/s, of 20 guided steps");
        for (ScaleBench.OfRows of : results.rows()) {
            out.printf(
                    Locale.ROOT,
                    "%,-10d%9.1f ms%12.1f%42.2f%n",
                    of.rows(),
                    1e3 * of.stepSeconds(),
                    of.rowsPerSecond(),
                    of.rowsPerSecond() / ROWS_PER_IMAGE);
        }
        out.printf("%-10s%12s%12s%14s%n", "classes", "step", "rows/s", "label table");
        for (ScaleBench.OfClasses of : results.classes()) {
            out.printf(
                    Locale.ROOT,
                    "%,-10d%9.1f ms%12.1f%11.2f MB%n",
                    of.classes(),
                    1e3 * of.stepSeconds(),
                    of.rowsPerSecond(),
                    of.tableBytes() / MEGA);
        }
        out.printf("%-10s%12s%12s%n", "slots", "threads", "rows/s");
        for (ScaleBench.OfSlots of : results.slots()) {
            out.printf(Locale.ROOT, "%-10d%12d%12.1f%n", of.slots(), of.threadsEach(), of.rowsPerSecond());
        }
        out.printf("%-10s%16s%16s%16s%16s%n", "slots", "weights", "resident", "at most", "before loading");
        for (SlotMemory of : results.memory()) {
            out.printf(
                    Locale.ROOT,
                    "%-10d%,13.0f MB%,13.0f MB%,13.0f MB%,13.0f MB%n",
                    of.slots(),
                    of.weightsBytes() / MEGA,
                    of.residentBytes() / MEGA,
                    of.mostResidentBytes() / MEGA,
                    of.idleBytes() / MEGA);
        }
        out.flush();
    }
}
