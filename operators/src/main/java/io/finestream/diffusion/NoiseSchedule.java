package io.finestream.diffusion;

import java.util.Optional;
import java.util.stream.IntStream;

/**
 * The linear noise schedule of DDPM (arXiv 2006.11239): β grows evenly from {@code betaStart} to {@code betaEnd}.
 *
 * @param timesteps T, number of training timesteps
 * @param betaStart β_0
 * @param betaEnd β_{T-1}
 */
public record NoiseSchedule(int timesteps, double betaStart, double betaEnd) {

    /** The schedule of DiT and FineDiffusion: 1000 steps, 1e-4 to 0.02. */
    public static final NoiseSchedule DIT = new NoiseSchedule(1000, 1e-4, 0.02);

    public NoiseSchedule {
        if (timesteps < 2 || !(betaStart > 0) || !(betaEnd < 1) || betaEnd < betaStart) {
            throw new IllegalArgumentException("noise schedule of " + timesteps + " timesteps from beta " + betaStart
                    + " to " + betaEnd + ": expected at least 2 timesteps and 0 < start <= end < 1");
        }
    }

    /** β_t. */
    public double beta(int t) {
        return betaStart + (betaEnd - betaStart) * t / (timesteps - 1);
    }

    /** ᾱ_t for every t: the product of 1 − β up to and including t. */
    public double[] alphaBars() {
        double[] alphaBar = new double[timesteps];
        double product = 1;
        for (int t = 0; t < timesteps; t++) {
            product *= 1 - beta(t);
            alphaBar[t] = product;
        }
        return alphaBar;
    }

    /**
     * {@code n} timesteps spread evenly from 0 to T − 1, ascending, as {@code space_timesteps} of guided-diffusion and
     * DiT rounds them (half to even). A single one is the noisiest.
     */
    public int[] evenTimesteps(int n) {
        requireSteps(n);
        return n == 1 ? new int[] {timesteps - 1} : spread(timesteps, n);
    }

    /** {@code n} of the numbers 0 to {@code size} − 1, spread evenly, with both ends; a single one is 0. */
    static int[] spread(int size, int n) {
        double stride = n > 1 ? (size - 1.0) / (n - 1) : 1;
        int[] t = new int[n];
        double at = 0;
        for (int i = 0; i < n; i++) {
            t[i] = (int) Math.rint(at);
            at += stride;
        }
        return t;
    }

    /**
     * {@code n} timesteps spread evenly from above 0 to T − 1, ascending, as the multistep schedulers of diffusers v0.15.0
     * space them: the last step leads to timestep 0, where the model is not asked. So there are at most T − 1.
     */
    public int[] evenTimestepsAboveZero(int n) {
        requireSteps(n);
        double stride = (timesteps - 1.0) / n;
        return IntStream.rangeClosed(1, n)
                .map(i -> (int) Math.rint(i == n ? timesteps - 1 : i * stride))
                .distinct()
                .toArray();
    }

    /**
     * The reference's "ddimN" spacing, 0, stride, 2·stride, … ascending, where an integer stride gives exactly {@code n}
     * timesteps; otherwise {@link #evenTimesteps}.
     */
    public int[] stridedTimesteps(int n) {
        requireSteps(n);
        return stride(n).map(this::every).orElseGet(() -> evenTimesteps(n));
    }

    /** The smallest stride that visits exactly {@code n} timesteps. */
    Optional<Integer> stride(int n) {
        return IntStream.range(1, timesteps)
                .filter(stride -> (timesteps + stride - 1) / stride == n)
                .boxed()
                .findFirst();
    }

    /** 0, {@code stride}, 2 · {@code stride}, …. */
    int[] every(int stride) {
        return IntStream.iterate(0, t -> t < timesteps, t -> t + stride).toArray();
    }

    private void requireSteps(int n) {
        if (n < 1 || n > timesteps) {
            throw new IllegalArgumentException("steps is " + n + ", expected 1 to " + timesteps);
        }
    }
}
