package io.finestream.diffusion;

import java.util.ArrayList;
import java.util.List;

/**
 * The steps of one trajectory, from noise to image, with everything that does not depend on the latent computed once.
 *
 * @param steps in the order in which they are taken
 */
public record SamplingPlan(List<Step> steps) {

    /** Numbers per step in the tensor that {@code sampler_step} takes. */
    static final int COEFFICIENTS = 5;
    /** Numbers per step in the tensor that {@code add_history} and {@code next_history} take. */
    static final int HISTORY_COEFFICIENTS = 8;
    /** Most tensors that a sampler keeps of earlier steps. */
    static final int MOST_HISTORY = 2;

    /**
     * x' = {@code next} + noise, whose log-variance is interpolated between the two bounds by the model's variance
     * channels.
     *
     * @param t timestep that the model is asked at, 0..999
     * @param addsNoise whether fresh noise is drawn
     * @param history what is kept for the next step, the predicted x_0 last: nothing, x_0, or what is carried and x_0
     */
    public record Step(
            int t, Linear next, double minLogVariance, double maxLogVariance, boolean addsNoise, List<Linear> history) {

        /** A step of a sampler that only looks at the latent and the prediction. */
        static Step ofOne(int t, Linear next, double minLogVariance, double maxLogVariance, boolean addsNoise) {
            return new Step(t, next, minLogVariance, maxLogVariance, addsNoise, List.of());
        }

        /** A step of a multistep sampler without fresh noise. */
        static Step ofMany(int t, Linear next, Linear... history) {
            return new Step(t, next, 0, 0, false, List.of(history));
        }

        /** The same step for a model whose prediction is not ε. */
        Step forPrediction(PredictionType type, double alphaBar) {
            return new Step(
                    t,
                    next.forPrediction(type, alphaBar),
                    minLogVariance,
                    maxLogVariance,
                    addsNoise,
                    history.stream()
                            .map(kept -> kept.forPrediction(type, alphaBar))
                            .toList());
        }

        void write(float[] target, int offset) {
            target[offset] = (float) next.x();
            target[offset + 1] = (float) next.prediction();
            target[offset + 2] = (float) minLogVariance;
            target[offset + 3] = (float) maxLogVariance;
            target[offset + 4] = addsNoise ? 1 : 0;
        }

        void writeHistory(float[] target, int offset) {
            target[offset] = (float) next.carried();
            target[offset + 1] = (float) next.previousX0();
            if (history.size() == MOST_HISTORY) {
                Linear carried = history.get(0);
                target[offset + 2] = (float) carried.x();
                target[offset + 3] = (float) carried.prediction();
                target[offset + 4] = (float) carried.carried();
                target[offset + 5] = (float) carried.previousX0();
            }
            Linear x0 = history.get(history.size() - 1);
            target[offset + 6] = (float) x0.x();
            target[offset + 7] = (float) x0.prediction();
        }
    }

    /**
     * Plans {@code steps} steps of {@code sampler}.
     *
     * @throws IllegalArgumentException if {@code steps} is not in 1..T
     */
    public static SamplingPlan of(NoiseSchedule schedule, PredictionType prediction, Sampler sampler, int steps) {
        NoiseLevels levels =
                NoiseLevels.of(schedule, sampler.timesteps(schedule, steps), sampler.endAlphaBar(schedule));
        List<Step> plan = new ArrayList<>();
        for (int i = 0; i < levels.steps(); i++) {
            plan.add(sampler.step(levels, i).forPrediction(prediction, levels.alphaBar()[i]));
        }
        return new SamplingPlan(List.copyOf(plan));
    }

    /** How many tensors a trajectory keeps of its earlier steps, once it has done one. */
    int historySize() {
        return steps.get(0).history().size();
    }

    boolean isMultistep() {
        return historySize() > 0;
    }
}
