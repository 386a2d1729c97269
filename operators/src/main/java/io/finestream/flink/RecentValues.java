package io.finestream.flink;

import org.apache.flink.metrics.Histogram;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.runtime.metrics.DescriptiveStatisticsHistogram;

/** Histograms of the values that came last; Prometheus sees their quantiles. */
final class RecentValues {

    private static final int WINDOW = 1_000;

    private RecentValues() {}

    static Histogram in(MetricGroup group, String name) {
        return group.histogram(name, new DescriptiveStatisticsHistogram(WINDOW));
    }
}
