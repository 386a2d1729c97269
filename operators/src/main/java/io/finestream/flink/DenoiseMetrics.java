package io.finestream.flink;

import java.time.Instant;
import java.util.function.Supplier;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.Histogram;
import org.apache.flink.metrics.MeterView;
import org.apache.flink.metrics.MetricGroup;

/**
 * What the denoise operator tells about itself.
 *
 * @param stepMillis time of one step
 * @param rowsPerStep rows of it
 * @param batchOccupancyPercent share of the rows that a step has room for
 * @param swapMillis time from a version at hand to its being the newest
 * @param versionAgeMillis time from a version's being made by the tuner to its being the newest here
 * @param steps passes of the network
 * @param rows of all passes
 * @param deadLetters requests that can not be served
 */
record DenoiseMetrics(
        Histogram stepMillis,
        Histogram rowsPerStep,
        Histogram batchOccupancyPercent,
        Histogram swapMillis,
        Histogram versionAgeMillis,
        Counter steps,
        Counter rows,
        DeadLetterCounts deadLetters) {

    /** @param now the operator's clock */
    static DenoiseMetrics in(MetricGroup group, LiveVersions live, AdmissionQueue pending, Supplier<Instant> now) {
        group.gauge("samplesInFlight", (Gauge<Integer>) live::size);
        group.gauge("modelVersion", (Gauge<Long>) live::newestVersion);
        group.gauge("versionsLive", (Gauge<Integer>) live::count);
        group.gauge("pendingRequests", (Gauge<Integer>) pending::size);
        group.gauge("oldestPendingMillis", (Gauge<Long>)
                () -> pending.oldestWait(now.get()).toMillis());
        ProcessMemory.register(group);
        Counter steps = group.counter("steps");
        Counter rows = group.counter("rows");
        group.meter("stepsPerSecond", new MeterView(steps));
        group.meter("rowsPerSecond", new MeterView(rows));
        return new DenoiseMetrics(
                RecentValues.in(group, "stepMillis"),
                RecentValues.in(group, "rowsPerStep"),
                RecentValues.in(group, "batchOccupancyPercent"),
                RecentValues.in(group, "swapMillis"),
                RecentValues.in(group, "versionAgeMillis"),
                steps,
                rows,
                new DeadLetterCounts(group));
    }

    /**
     * One step of the batch.
     *
     * @param passes of the network: one for each version that has a turn
     * @param room rows that a step has room for
     */
    void step(long passes, long rowsOfStep, int room, long nanos) {
        steps.inc(passes);
        rows.inc(rowsOfStep);
        rowsPerStep.update(rowsOfStep);
        batchOccupancyPercent.update(100 * rowsOfStep / room);
        stepMillis.update(nanos / 1_000_000);
    }
}
