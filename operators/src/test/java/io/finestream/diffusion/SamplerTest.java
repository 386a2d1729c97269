package io.finestream.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SamplerTest {

    private static final double[] ALPHA_BAR = NoiseSchedule.DIT.alphaBars();
    private static final List<Sampler> MULTISTEP = List.of(new Sampler.DpmSolverPp(), new Sampler.UniPc());

    @Test
    void multistepSamplersVisitTimestepsAboveZero() {
        for (Sampler sampler : MULTISTEP) {
            assertThat(sampler.timesteps(NoiseSchedule.DIT, 1)).containsExactly(999);
            assertThat(sampler.timesteps(NoiseSchedule.DIT, 2)).containsExactly(500, 999);
            assertThat(sampler.timesteps(NoiseSchedule.DIT, 3)).containsExactly(333, 666, 999);
            assertThat(sampler.timesteps(NoiseSchedule.DIT, 999))
                    .startsWith(1, 2, 3)
                    .endsWith(998, 999);
            assertThat(sampler.timesteps(NoiseSchedule.DIT, 1000))
                    .containsExactly(sampler.timesteps(NoiseSchedule.DIT, 999));
        }
    }

    /** Every sampler integrates exactly what has a constant x_0, whatever the network's prediction means. */
    @ParameterizedTest
    @EnumSource
    void aConstantImageIsReachedInAnyNumberOfSteps(PredictionType prediction) {
        double x0 = 0.7;
        double eps = -1.3;
        for (Sampler sampler : MULTISTEP) {
            for (int steps : new int[] {1, 2, 3, 14, 15, 50, 1000}) {
                SamplingPlan plan = SamplingPlan.of(NoiseSchedule.DIT, prediction, sampler, steps);
                double[] end =
                        run(plan, Math.sqrt(ALPHA_BAR[999]) * x0 + Math.sqrt(1 - ALPHA_BAR[999]) * eps, (t, x) -> {
                            double e = (x - Math.sqrt(ALPHA_BAR[t]) * x0) / Math.sqrt(1 - ALPHA_BAR[t]);
                            double[] target = prediction.target(ALPHA_BAR[t]);
                            return target[0] * e + target[1] * x0;
                        });
                assertThat(end[0])
                        .as("%s, %s steps", sampler, steps)
                        .isEqualTo(Math.sqrt(ALPHA_BAR[0]) * x0 + Math.sqrt(1 - ALPHA_BAR[0]) * eps, within(1e-9));
            }
        }
    }

    @Test
    void aShortenedTrajectoryVisitsEveryFewOfTheTimestepsLeft() {
        Sampler ddim = new Sampler.Ddim(0); // 0, 100, ..., 900
        assertThat(new Sampler.Shortened(ddim, 10, 4, 3).timesteps(NoiseSchedule.DIT, 0))
                .as("of 500, 400, ..., 0")
                .containsExactly(0, 300, 500, 600, 700, 800, 900);
        assertThat(new Sampler.Shortened(ddim, 10, 4, 1).timesteps(NoiseSchedule.DIT, 0))
                .containsExactly(500, 600, 700, 800, 900);
        assertThat(new Sampler.Shortened(ddim, 10, 4, 6).timesteps(NoiseSchedule.DIT, 0))
                .containsExactly(ddim.timesteps(NoiseSchedule.DIT, 10));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Sampler.Shortened(ddim, 10, 4, 7))
                .withMessage("a trajectory of 10 steps is to end in 7 more after 4, expected at least 1, and no more"
                        + " than there are");
    }

    @Test
    void whatWasDoneBeforeAShorteningStaysAsItWas() {
        for (Sampler sampler :
                List.of(new Sampler.Ddim(0.5), new Sampler.Ddpm(), new Sampler.DpmSolverPp(), new Sampler.UniPc())) {
            SamplingPlan whole = plan(PredictionType.EPSILON, sampler, 20);
            for (int done = 0; done < 20; done++) {
                SamplingPlan shortened = plan(PredictionType.EPSILON, new Sampler.Shortened(sampler, 20, done, 1), 0);
                assertThat(shortened.steps()).hasSize(done + 1);
                assertThat(shortened.steps().subList(0, done))
                        .isEqualTo(whole.steps().subList(0, done));
            }
        }
    }

    /** What a multistep sampler has kept is of use to the shortened rest. */
    @Test
    void aConstantImageIsReachedThroughAShortening() {
        double x0 = 0.7;
        double eps = -1.3;
        double start = Math.sqrt(ALPHA_BAR[999]) * x0 + Math.sqrt(1 - ALPHA_BAR[999]) * eps;
        for (Sampler sampler : MULTISTEP) {
            for (int left : new int[] {1, 2, 3, 9}) {
                SamplingPlan plan = plan(PredictionType.EPSILON, new Sampler.Shortened(sampler, 20, 9, left), 0);
                double[] end =
                        run(plan, start, (t, x) -> (x - Math.sqrt(ALPHA_BAR[t]) * x0) / Math.sqrt(1 - ALPHA_BAR[t]));
                assertThat(end[0])
                        .as("%s, %s steps left", sampler, left)
                        .isEqualTo(Math.sqrt(ALPHA_BAR[0]) * x0 + Math.sqrt(1 - ALPHA_BAR[0]) * eps, within(1e-9));
            }
        }
    }

    private static SamplingPlan plan(PredictionType prediction, Sampler sampler, int steps) {
        return SamplingPlan.of(NoiseSchedule.DIT, prediction, sampler, steps);
    }

    private interface Network {
        double predict(int t, double x);
    }

    /** One number through all steps, without noise: {x, carried, previous x_0}. */
    private static double[] run(SamplingPlan plan, double start, Network network) {
        double[] state = {start, 0, 0};
        for (SamplingPlan.Step step : plan.steps()) {
            double[] at = state.clone();
            double prediction = network.predict(step.t(), at[0]);
            state[0] = apply(step.next(), prediction, at);
            for (int i = 0; i < step.history().size(); i++) {
                state[3 - step.history().size() + i] = apply(step.history().get(i), prediction, at);
            }
        }
        return state;
    }

    private static double apply(Linear linear, double prediction, double[] at) {
        return linear.x() * at[0]
                + linear.prediction() * prediction
                + linear.carried() * at[1]
                + linear.previousX0() * at[2];
    }
}
