package io.finestream.diffusion;

import java.util.Arrays;
import java.util.List;

/**
 * The steps of one trajectory, from noise to image, with everything that does not depend on the latent computed once.
 *
 * @param steps in the order in which they are taken
 */
public record SamplingPlan(List<Step> steps) {

    /** Numbers per step in the tensor that the fused step takes. */
    static final int COEFFICIENTS = 5;

    /**
     * x' = {@code fromX} x + {@code fromPrediction} prediction + noise, whose log-variance is interpolated between the
     * two bounds by the model's variance channels.
     *
     * @param t timestep that the model is asked at, 0..999
     * @param addsNoise whether fresh noise is drawn
     */
    public record Step(
            int t,
            double fromX,
            double fromPrediction,
            double minLogVariance,
            double maxLogVariance,
            boolean addsNoise) {

        /** The same step for a model whose prediction is not ε. */
        Step forPrediction(PredictionType type, double alphaBar) {
            double[] eps = type.toEps(alphaBar);
            return new Step(
                    t,
                    fromX + fromPrediction * eps[1],
                    fromPrediction * eps[0],
                    minLogVariance,
                    maxLogVariance,
                    addsNoise);
        }

        void write(float[] target, int offset) {
            target[offset] = (float) fromX;
            target[offset + 1] = (float) fromPrediction;
            target[offset + 2] = (float) minLogVariance;
            target[offset + 3] = (float) maxLogVariance;
            target[offset + 4] = addsNoise ? 1 : 0;
        }
    }

    /**
     * Plans {@code steps} steps of {@code sampler}.
     *
     * @throws IllegalArgumentException if {@code steps} is not in 1..T
     */
    public static SamplingPlan of(NoiseSchedule schedule, PredictionType prediction, Sampler sampler, int steps) {
        int[] t = sampler.timesteps(schedule, steps);
        double[] alphaBars = schedule.alphaBars();
        double[] alphaBar = Arrays.stream(t).mapToDouble(at -> alphaBars[at]).toArray();
        double floor =
                steps > 1 ? Math.log(Posterior.of(alphaBar[1], alphaBar[0]).variance()) : Math.log(1 - alphaBar[0]);
        Step[] plan = new Step[steps];
        for (int i = 0; i < steps; i++) {
            double previous = i > 0 ? alphaBar[i - 1] : 1;
            plan[steps - 1 - i] =
                    sampler.step(t[i], alphaBar[i], previous, floor).forPrediction(prediction, alphaBar[i]);
        }
        return new SamplingPlan(List.of(plan));
    }
}
