package io.finestream.bench;

import java.util.Arrays;
import java.util.Collection;

/**
 * How long answers took, in the unit of what they are of.
 *
 * @param p50 half of them took no longer
 * @param p99 of a hundred, 99 took no longer
 */
public record Latencies(int count, double mean, double p50, double p99, double most) {

    /** @throws IllegalArgumentException if there are none */
    public static Latencies of(Collection<Double> times) {
        double[] sorted =
                times.stream().mapToDouble(Double::doubleValue).sorted().toArray();
        if (sorted.length == 0) {
            throw new IllegalArgumentException("there are no latencies, expected at least 1");
        }
        return new Latencies(
                sorted.length,
                Arrays.stream(sorted).average().orElseThrow(),
                percentile(sorted, 50),
                percentile(sorted, 99),
                sorted[sorted.length - 1]);
    }

    /** By nearest rank: the smallest value that {@code percent} of all do not exceed. */
    private static double percentile(double[] sorted, int percent) {
        int rank = (int) Math.ceil(percent * sorted.length / 100.0);
        return sorted[Math.max(1, rank) - 1];
    }
}
