package io.finestream.flink;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.MetricGroup;

/** What the operating system holds in memory for this process: the heap, and the engine's tensors that are not in it. */
final class ProcessMemory {

    private static final Path STATUS = Path.of("/proc/self/status");
    private static final String RESIDENT = "VmRSS:";
    private static final long UNKNOWN = -1;

    private ProcessMemory() {}

    /** Every operator of a process tells the same. Only Linux tells it: elsewhere there is no such metric. */
    static void register(MetricGroup group) {
        if (Files.isReadable(STATUS)) {
            group.gauge("residentBytes", (Gauge<Long>) ProcessMemory::residentBytes);
        }
    }

    static long residentBytes() {
        try {
            return Files.readAllLines(STATUS).stream()
                    .filter(line -> line.startsWith(RESIDENT))
                    .mapToLong(line -> 1024 * Long.parseLong(line.replaceAll("\\D", ""))) // it is in kB
                    .findFirst()
                    .orElse(UNKNOWN);
        } catch (IOException e) {
            return UNKNOWN;
        }
    }
}
