package io.finestream.diffusion;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * The steps of one trajectory, from noise to image, with everything that does not depend on the latent computed once.
 *
 * @param steps in the order in which they are taken
 */
public record SamplingPlan(List<Step> steps) {

    /** Numbers per step in the tensor that {@code sampler_step} takes. */
    static final int COEFFICIENTS = 5;
    /** Numbers per step in the tensor that {@code add_history} and {@code next_history} take, [1 + H, 2 + H]. */
    static final int HISTORY_COEFFICIENTS = (1 + Linear.HISTORY) * (2 + Linear.HISTORY);

    /**
     * x' = {@code next} + noise, whose log-variance is interpolated between the two bounds by the model's variance
     * channels.
     *
     * @param t timestep that the model is asked at, 0..999
     * @param asks whether the model is asked; if not, nothing depends on its prediction
     * @param addsNoise whether fresh noise is drawn
     * @param history what is kept for the next step, in every step of a plan as many
     */
    public record Step(
            int t,
            boolean asks,
            Linear next,
            double minLogVariance,
            double maxLogVariance,
            boolean addsNoise,
            List<Linear> history) {

        /** A step of a sampler that only looks at the latent and the prediction. */
        static Step ofOne(int t, Linear next, double minLogVariance, double maxLogVariance, boolean addsNoise) {
            return new Step(t, true, next, minLogVariance, maxLogVariance, addsNoise, List.of());
        }

        /** A step of a multistep sampler without fresh noise. */
        static Step ofMany(int t, Linear next, Linear... history) {
            return new Step(t, true, next, 0, 0, false, List.of(history));
        }

        /** The same step, which keeps more than its sampler does. */
        Step keeping(List<Linear> more) {
            List<Linear> kept = Stream.concat(more.stream(), history.stream()).toList();
            return new Step(t, asks, next, minLogVariance, maxLogVariance, addsNoise, kept);
        }

        /** The same step where a forecast stands in for ε. */
        Step withoutAsking(Linear eps) {
            List<Linear> kept =
                    history.stream().map(linear -> linear.withEps(eps)).toList();
            return new Step(t, false, next.withEps(eps), minLogVariance, maxLogVariance, addsNoise, kept);
        }

        /** The same step for a model whose prediction is not ε. */
        Step forPrediction(PredictionType type, double alphaBar) {
            return new Step(
                    t,
                    asks,
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

        /** Row 0 is of the next latent, the others of what is kept, at the last places. */
        void writeHistory(float[] target, int offset) {
            int columns = 2 + Linear.HISTORY;
            next.write(target, offset);
            for (int i = 0; i < history.size(); i++) {
                int row = 1 + Linear.HISTORY - history.size() + i;
                history.get(i).write(target, offset + row * columns);
            }
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
