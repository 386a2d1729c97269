package io.finestream.bench;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/** The processors' time of this process as the clock goes on, which other programs on the machine hardly change. */
final class CpuTimeline implements AutoCloseable {

    private static final long INTERVAL_MILLIS = 20;
    private static final OperatingSystemMXBean PROCESS =
            ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);

    private final TreeMap<Long, Long> nanosByMillis = new TreeMap<>(); // guarded by this
    private final ScheduledExecutorService sampler = Executors.newSingleThreadScheduledExecutor();

    CpuTimeline() {
        var unused = sampler.scheduleAtFixedRate( // ends when the sampler is shut down
                this::sample, 0, INTERVAL_MILLIS, TimeUnit.MILLISECONDS);
    }

    private synchronized void sample() {
        nanosByMillis.put(System.currentTimeMillis(), PROCESS.getProcessCpuTime());
    }

    /** Milliseconds of processors' time between two moments of the clock, which have passed. */
    synchronized double millisBetween(double from, double to) {
        sample();
        return (nanosAt(to) - nanosAt(from)) / 1e6;
    }

    private double nanosAt(double millis) {
        Map.Entry<Long, Long> before = nanosByMillis.floorEntry((long) millis);
        Map.Entry<Long, Long> after = nanosByMillis.higherEntry((long) millis);
        if (before == null) {
            return nanosByMillis.firstEntry().getValue();
        }
        if (after == null) {
            return before.getValue();
        }
        double part = (millis - before.getKey()) / (after.getKey() - before.getKey());
        return before.getValue() + part * (after.getValue() - before.getValue());
    }

    @Override
    public void close() {
        sampler.shutdownNow();
    }
}
