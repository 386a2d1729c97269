package io.finestream.tuning;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/**
 * Whether a candidate may become a version: on held-out images of the classes that the base model knew, and of those
 * that were added since, its error must not have risen by more than a margin over that of the version before.
 *
 * @param margin share by which the error of a group may rise
 */
public record Gate(double margin) {

    /**
     * One group's figures.
     *
     * @param group {@link #KNOWN} or {@link #ADDED}
     * @param before mean squared error of the version before
     * @param after of the candidate, on the same images, noise levels and noise
     */
    public record Result(String group, double before, double after) {
        /** How the error is called in a version's record. */
        public static final String METRIC = "mean squared error";
    }

    static final String KNOWN = "known classes";
    static final String ADDED = "added classes";

    /**
     * Compares the errors of the same images.
     *
     * @param isKnown whether the base model has this class
     * @return a result per group that has images
     */
    List<Result> compare(List<LabeledLatent> images, double[] before, double[] after, IntPredicate isKnown) {
        return Map.of(KNOWN, isKnown, ADDED, isKnown.negate()).entrySet().stream()
                .sorted(Map.Entry.<String, IntPredicate>comparingByKey().reversed())
                .map(group -> {
                    int[] members = IntStream.range(0, images.size())
                            .filter(i -> group.getValue().test(images.get(i).subclass()))
                            .toArray();
                    return new Result(group.getKey(), mean(before, members), mean(after, members));
                })
                .filter(result -> !Double.isNaN(result.before()))
                .toList();
    }

    private static double mean(double[] values, int[] members) {
        return Arrays.stream(members).mapToDouble(i -> values[i]).average().orElse(Double.NaN);
    }

    /** Whether no group has become worse than it may. Where nothing is held out, nothing holds a version back. */
    boolean passes(List<Result> results) {
        return results.stream().allMatch(result -> result.after() <= result.before() * (1 + margin));
    }
}
