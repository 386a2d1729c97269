package io.finestream.diffusion;

/**
 * A linear combination of what a step has at hand; the numbers are the coefficients.
 *
 * @param x of the latent
 * @param prediction of the network's prediction: ε, until {@link #forPrediction}
 * @param carried of what the step before has carried for UniPC's corrector
 * @param previousX0 of the x_0 that the step before has predicted
 */
public record Linear(double x, double prediction, double carried, double previousX0) {

    static final Linear X = new Linear(1, 0, 0, 0);
    static final Linear EPS = new Linear(0, 1, 0, 0);
    static final Linear CARRIED = new Linear(0, 0, 1, 0);
    static final Linear PREVIOUS_X0 = new Linear(0, 0, 0, 1);

    /** x_0 as it follows from x_t and ε. */
    static Linear x0(double alphaBar) {
        return X.times(1 / Math.sqrt(alphaBar)).plus(EPS.times(-Math.sqrt(1 / alphaBar - 1)));
    }

    Linear plus(Linear other) {
        return new Linear(
                x + other.x, prediction + other.prediction, carried + other.carried, previousX0 + other.previousX0);
    }

    Linear minus(Linear other) {
        return plus(other.times(-1));
    }

    Linear times(double factor) {
        return new Linear(x * factor, prediction * factor, carried * factor, previousX0 * factor);
    }

    /** The same for a network whose prediction is not ε. */
    Linear forPrediction(PredictionType type, double alphaBar) {
        double[] eps = type.toEps(alphaBar);
        return new Linear(x + prediction * eps[1], prediction * eps[0], carried, previousX0);
    }
}
