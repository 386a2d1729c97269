package io.finestream.tuning;

import io.finestream.diffusion.NoiseSchedule;
import java.util.Arrays;
import java.util.Locale;
import java.util.SplittableRandom;

/** Which noise levels a training step sees. */
public enum Timesteps {
    /** Every timestep as often, as the reference trains; one from each of as many equal slices as there are rows. */
    UNIFORM,
    /**
     * Three rows of four where signal and noise are of like size: the logit-normal distribution of rectified flow (arXiv
     * 2403.03206, location 0, scale 1), carried over to this schedule by the ratio of noise to signal. The others
     * uniform, for both ends.
     */
    MIDDLE;

    private static final int UNIFORM_EVERY = 4;

    /**
     * Draws a timestep per row.
     *
     * @return {@code rows} timesteps, 0 to T − 1
     */
    int[] draw(int rows, NoiseSchedule schedule, SplittableRandom random) {
        int[] t = new int[rows];
        double[] ratios = ratios(schedule);
        for (int b = 0; b < rows; b++) {
            double slice = (b + random.nextDouble()) / rows;
            t[b] = this == UNIFORM || b % UNIFORM_EVERY == 0
                    ? (int) (schedule.timesteps() * slice)
                    : nearest(ratios, Math.exp(random.nextGaussian()));
        }
        return t;
    }

    /** √(1 − ᾱ) / √ᾱ per timestep; rising. */
    private static double[] ratios(NoiseSchedule schedule) {
        return Arrays.stream(schedule.alphaBars())
                .map(alphaBar -> Math.sqrt((1 - alphaBar) / alphaBar))
                .toArray();
    }

    private static int nearest(double[] ratios, double ratio) {
        int at = Arrays.binarySearch(ratios, ratio);
        return Math.min(ratios.length - 1, at >= 0 ? at : -at - 1);
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
