package io.finestream.diffusion;

import java.util.Collections;
import java.util.List;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;

/**
 * A linear combination of what a step has at hand; the numbers are the coefficients.
 *
 * @param x of the latent
 * @param prediction of the network's prediction: ε, until {@link #forPrediction}
 * @param history of each tensor that the steps before have kept, in {@link #HISTORY} places, the newest last
 */
public record Linear(double x, double prediction, List<Double> history) {

    /** Most tensors that a trajectory keeps of its earlier steps. */
    static final int HISTORY = 5;

    private static final List<Double> NOTHING = Collections.nCopies(HISTORY, 0.0);

    static final Linear ZERO = new Linear(0, 0, NOTHING);
    static final Linear X = new Linear(1, 0, NOTHING);
    static final Linear EPS = new Linear(0, 1, NOTHING);

    /** What the step before has kept as its last but {@code i}. */
    static Linear kept(int i) {
        return new Linear(0, 0, places(place -> place == HISTORY - 1 - i ? 1 : 0));
    }

    /** x_0 as it follows from x_t and ε. */
    static Linear x0(double alphaBar) {
        return X.times(1 / Math.sqrt(alphaBar)).plus(EPS.times(-Math.sqrt(1 / alphaBar - 1)));
    }

    Linear plus(Linear other) {
        return new Linear(
                x + other.x, prediction + other.prediction, places(i -> history.get(i) + other.history.get(i)));
    }

    Linear minus(Linear other) {
        return plus(other.times(-1));
    }

    Linear times(double factor) {
        return new Linear(x * factor, prediction * factor, places(i -> history.get(i) * factor));
    }

    /** The same where {@code eps} stands for the network's ε. */
    Linear withEps(Linear eps) {
        return new Linear(x, 0, history).plus(eps.times(prediction));
    }

    /** The same for a network whose prediction is not ε. */
    Linear forPrediction(PredictionType type, double alphaBar) {
        double[] eps = type.toEps(alphaBar);
        return new Linear(x + prediction * eps[1], prediction * eps[0], history);
    }

    private static List<Double> places(IntToDoubleFunction coefficient) {
        return IntStream.range(0, HISTORY).mapToDouble(coefficient).boxed().toList();
    }

    /** Writes the coefficients of what a step finds: x, the prediction, the history. */
    void write(float[] target, int offset) {
        target[offset] = (float) x;
        target[offset + 1] = (float) prediction;
        for (int i = 0; i < HISTORY; i++) {
            target[offset + 2 + i] = history.get(i).floatValue();
        }
    }
}
