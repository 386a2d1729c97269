package io.finestream.flowers;

/** Reads a species' build, a share in 0..1, on a family's own scale. */
final class Between {

    private Between() {}

    /** The length or angle at this share of the way from low to high. */
    static double value(double low, double high, double share) {
        return low + (high - low) * share;
    }

    /** The number at this share of the way; each number of low..high covers an equal part of 0..1. */
    static int count(int low, int high, double share) {
        return Math.min(high, low + (int) ((high - low + 1) * share));
    }
}
