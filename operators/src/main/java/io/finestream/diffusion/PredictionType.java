package io.finestream.diffusion;

import java.util.Locale;

/** What the first C output channels mean. Names and JSON values are those of diffusers. */
public enum PredictionType {
    /** The noise ε, as DiT and FineDiffusion train it. */
    EPSILON,
    /** v = √ᾱ ε − √(1−ᾱ) x_0 (arXiv 2202.00512). */
    V_PREDICTION;

    /** ε̂ = {@code a} · prediction + {@code b} · x_t: returns {a, b}. */
    double[] toEps(double alphaBar) {
        return this == EPSILON ? new double[] {1, 0} : new double[] {Math.sqrt(alphaBar), Math.sqrt(1 - alphaBar)};
    }

    /** target = {@code a} · ε + {@code b} · x_0: returns {a, b}. */
    double[] target(double alphaBar) {
        return this == EPSILON ? new double[] {1, 0} : new double[] {Math.sqrt(alphaBar), -Math.sqrt(1 - alphaBar)};
    }

    public static PredictionType parse(String value) {
        for (PredictionType type : values()) {
            if (type.toString().equals(value)) {
                return type;
            }
        }
        throw new IllegalArgumentException(
                "prediction type '" + value + "' is unknown, expected epsilon or v_prediction");
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
