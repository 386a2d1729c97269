package io.finestream.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
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
