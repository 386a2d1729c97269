package io.finestream.diffusion;

import java.util.Arrays;

/**
 * The noise levels of one trajectory: step i leads from level i to level i + 1, and level 0 is the noisiest.
 *
 * @param t timestep that the model is asked at, per step
 * @param alphaBar ᾱ per level, one more than there are steps
 */
public record NoiseLevels(int[] t, double[] alphaBar) {

    /**
     * @param ascending timesteps of the trajectory; the last one is visited first
     * @param end ᾱ where the last step leads, 1 for the image itself
     */
    static NoiseLevels of(NoiseSchedule schedule, int[] ascending, double end) {
        double[] alphaBars = schedule.alphaBars();
        int n = ascending.length;
        int[] t = new int[n];
        Arrays.setAll(t, i -> ascending[n - 1 - i]);
        double[] alphaBar = new double[n + 1];
        Arrays.setAll(alphaBar, i -> i < n ? alphaBars[t[i]] : end);
        return new NoiseLevels(t, alphaBar);
    }

    int steps() {
        return t.length;
    }

    boolean isLast(int step) {
        return step == t.length - 1;
    }

    /** √ᾱ, the signal's amplitude. */
    double alpha(int level) {
        return Math.sqrt(alphaBar[level]);
    }

    /** √(1 − ᾱ), the noise's amplitude. */
    double sigma(int level) {
        return Math.sqrt(1 - alphaBar[level]);
    }

    /** Half the logarithm of the ratio of signal to noise; infinite at the image itself. */
    double lambda(int level) {
        return Math.log(alpha(level) / sigma(level));
    }

    /** By how much λ grows in a step. */
    double h(int step) {
        return lambda(step + 1) - lambda(step);
    }
}
