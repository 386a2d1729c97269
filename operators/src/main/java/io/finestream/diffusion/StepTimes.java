package io.finestream.diffusion;

/**
 * How long a step of so many rows takes here, learned from the steps that were done. Row counts that were not seen lie on
 * the line between their neighbours, and beyond the largest on the one from 0.
 */
public final class StepTimes {

    private static final double WEIGHT_OF_NEWEST = 0.25;

    private final double[] nanos; // by rows; 0 where none was seen
    private double recent;

    StepTimes(int maxRows) {
        nanos = new double[maxRows + 1];
    }

    /** Takes in a step of at least one row. */
    void add(int rows, long measured) {
        nanos[rows] = blend(nanos[rows], measured);
        recent = blend(recent, measured);
    }

    private static double blend(double before, long measured) {
        return before == 0 ? measured : before + WEIGHT_OF_NEWEST * (measured - before);
    }

    /** Nanoseconds of the steps done last, whatever rows they had; 0 before the first. */
    public double recent() {
        return recent;
    }

    /** Nanoseconds that a step of so many rows should take; as many as rows before the first step. */
    double expected(int rows) {
        int below = rows;
        while (below > 0 && nanos[below] == 0) {
            below--;
        }
        int above = rows;
        while (above < nanos.length && nanos[above] == 0) {
            above++;
        }
        if (above < nanos.length) {
            double share = above == below ? 0 : (double) (rows - below) / (above - below);
            return nanos[below] + share * (nanos[above] - nanos[below]);
        }
        return below == 0 ? rows : nanos[below] * rows / below;
    }
}
