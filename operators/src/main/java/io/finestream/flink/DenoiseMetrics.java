package io.finestream.flink;

import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.Histogram;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.runtime.metrics.DescriptiveStatisticsHistogram;

/**
 * What the denoise operator tells about itself.
 *
 * @param stepMillis time of one step
 * @param rowsPerStep rows of it
 * @param swapMillis time from a version at hand to its being the newest
 * @param versionAgeMillis time from a version's being made by the tuner to its being the newest here
 * @param steps passes of the network
 * @param rows of all passes
 * @param samples that have reached their image
 * @param deadLetters requests that can not be served
 */
record DenoiseMetrics(
        Histogram stepMillis,
        Histogram rowsPerStep,
        Histogram swapMillis,
        Histogram versionAgeMillis,
        Counter steps,
        Counter rows,
        Counter samples,
        Counter deadLetters) {

    private static final int HISTOGRAM_WINDOW = 1_000;

    static DenoiseMetrics in(MetricGroup group, LiveVersions live) {
        group.gauge("samplesInFlight", (Gauge<Integer>) live::size);
        group.gauge("modelVersion", (Gauge<Long>) live::newestVersion);
        group.gauge("versionsLive", (Gauge<Integer>) live::count);
        return new DenoiseMetrics(
                histogram(group, "stepMillis"),
                histogram(group, "rowsPerStep"),
                histogram(group, "swapMillis"),
                histogram(group, "versionAgeMillis"),
                group.counter("steps"),
                group.counter("rows"),
                group.counter("samples"),
                group.counter("deadLetters"));
    }

    private static Histogram histogram(MetricGroup group, String name) {
        return group.histogram(name, new DescriptiveStatisticsHistogram(HISTOGRAM_WINDOW));
    }
}
