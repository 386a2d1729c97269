package io.finestream.diffusion;

/**
 * What the training loss needs of the schedule at each timestep (GaussianDiffusion of facebookresearch/DiT@ed81ce2,
 * learned range, not respaced).
 */
public final class LossCoefficients {

    /** Numbers per row in the tensor that {@code diffusion_loss} takes. */
    public static final int PER_ROW = 9;

    private final float[][] rows; // [T][9]
    private final float[] signal; // √ᾱ
    private final float[] noise; // √(1 − ᾱ)
    private final float[][] target; // [T][2]
    private final float[] weight;

    /** The loss of the reference: every timestep counts alike. */
    public LossCoefficients(NoiseSchedule schedule, PredictionType prediction) {
        this(schedule, prediction, Double.POSITIVE_INFINITY);
    }

    /**
     * @param minSnrGamma the squared error of a timestep counts as an error of x_0 weighted by min(SNR, γ) (min-SNR-γ,
     *     arXiv 2303.09556); infinite to count every timestep's alike
     */
    public LossCoefficients(NoiseSchedule schedule, PredictionType prediction, double minSnrGamma) {
        if (!(minSnrGamma > 0)) {
            throw new IllegalArgumentException("min-SNR gamma is " + minSnrGamma + ", expected a positive number");
        }
        double[] alphaBar = schedule.alphaBars();
        int n = schedule.timesteps();
        rows = new float[n][];
        signal = new float[n];
        noise = new float[n];
        target = new float[n][];
        weight = new float[n];
        double floor = Math.log(Posterior.of(alphaBar[1], alphaBar[0]).variance());
        for (int t = 0; t < n; t++) {
            Posterior q = Posterior.of(alphaBar[t], t > 0 ? alphaBar[t - 1] : 1);
            double[] eps = prediction.toEps(alphaBar[t]);
            rows[t] = toFloats(
                    eps[0],
                    eps[1],
                    1 / Math.sqrt(alphaBar[t]),
                    -Math.sqrt(1 / alphaBar[t] - 1),
                    q.meanFromX0(),
                    q.meanFromX(),
                    t > 0 ? Math.log(q.variance()) : floor,
                    Math.log(q.beta()),
                    t > 0 ? 1 : 0);
            signal[t] = (float) Math.sqrt(alphaBar[t]);
            noise[t] = (float) Math.sqrt(1 - alphaBar[t]);
            target[t] = toFloats(prediction.target(alphaBar[t]));
            weight[t] = (float) (Double.isInfinite(minSnrGamma) ? 1 : weight(alphaBar[t], prediction, minSnrGamma));
        }
    }

    /** An error of ε is one of x_0 times SNR, an error of v one of x_0 times SNR + 1. */
    private static double weight(double alphaBar, PredictionType prediction, double gamma) {
        double snr = alphaBar / (1 - alphaBar);
        return Math.min(snr, gamma)
                / switch (prediction) {
                    case EPSILON -> snr;
                    case V_PREDICTION -> snr + 1;
                };
    }

    /** How much the squared error counts, per row. */
    public float[] weight(int[] t) {
        return gather(t, weight);
    }

    /** [B, 9] flattened: the argument {@code k} of {@code diffusion_loss}. */
    public float[] loss(int[] t) {
        float[] k = new float[t.length * PER_ROW];
        for (int b = 0; b < t.length; b++) {
            System.arraycopy(rows[t[b]], 0, k, b * PER_ROW, PER_ROW);
        }
        return k;
    }

    /** √ᾱ per row. */
    public float[] signal(int[] t) {
        return gather(t, signal);
    }

    /** √(1 − ᾱ) per row. */
    public float[] noise(int[] t) {
        return gather(t, noise);
    }

    /** What the prediction should be, as coefficients of ε ({@code part} 0) and x_0 (1). */
    public float[] target(int[] t, int part) {
        float[] values = new float[t.length];
        for (int b = 0; b < t.length; b++) {
            values[b] = target[t[b]][part];
        }
        return values;
    }

    private static float[] gather(int[] t, float[] table) {
        float[] values = new float[t.length];
        for (int b = 0; b < t.length; b++) {
            values[b] = table[t[b]];
        }
        return values;
    }

    private static float[] toFloats(double... values) {
        float[] floats = new float[values.length];
        for (int i = 0; i < values.length; i++) {
            floats[i] = (float) values[i];
        }
        return floats;
    }
}
