package io.finestream.bench;

import java.util.Arrays;
import java.util.List;

/**
 * The middle of a run, without the batch that each slot began with and the one that it ended with.
 *
 * @param cpuMillisPerImage processors' time of the process
 */
record SteadyState(double imagesPerSecond, double cpuMillisPerImage) {

    private static final double MILLIS_PER_SECOND = 1e3;

    /**
     * @param readyAt by slot, when each of its images was ready, in milliseconds of the clock
     * @param batchSize images that a slot has in flight; it has made three times as many at least
     */
    static SteadyState of(List<long[]> readyAt, int batchSize, CpuTimeline cpu) {
        double perSecond = 0;
        double from = Double.NEGATIVE_INFINITY;
        double to = Double.POSITIVE_INFINITY;
        for (long[] slot : readyAt) {
            long[] sorted = slot.clone();
            Arrays.sort(sorted);
            int images = sorted.length - 2 * batchSize;
            if (images < batchSize) {
                throw new IllegalArgumentException("a slot has made " + sorted.length + " images in batches of "
                        + batchSize + ", expected three batches at least");
            }
            long start = sorted[batchSize - 1];
            long end = Math.max(start + 1, sorted[batchSize - 1 + images]);
            perSecond += (double) images / (end - start) * MILLIS_PER_SECOND;
            from = Math.max(from, start);
            to = Math.min(to, end);
        }
        double seconds = (to - from) / MILLIS_PER_SECOND;
        return new SteadyState(perSecond, cpu.millisBetween(from, to) / (seconds * perSecond));
    }

    /** The better of two, each number for itself: other programs only make them worse. */
    SteadyState orBetter(SteadyState other) {
        return new SteadyState(
                Math.max(imagesPerSecond, other.imagesPerSecond), Math.min(cpuMillisPerImage, other.cpuMillisPerImage));
    }
}
