package io.finestream.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.stream.IntStream;
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

    /** With ε a polynomial in t, what is forecast is what the network would have said, up to the forecast's order. */
    @Test
    void theForecastOfAPolynomialIsExactToItsOrder() {
        for (Sampler sampler : List.of(new Sampler.Ddim(0), new Sampler.DpmSolverPp(), new Sampler.UniPc())) {
            for (int degree = 0; degree <= Sampler.Cached.ORDER + 1; degree++) {
                int power = degree;
                Network network = (t, x) -> 0.3 + Math.pow(t / 500.0 - 1.1, power);
                double every = run(plan(sampler, 20), 1, network)[0];
                double cached = run(plan(new Sampler.Cached(sampler, 4), 20), 1, network)[0];
                double error = Math.abs(cached - every) / Math.abs(every);
                if (degree <= Sampler.Cached.ORDER) {
                    assertThat(error).as("%s, degree %s", sampler, degree).isLessThan(1e-9);
                } else {
                    assertThat(error).as("%s, degree %s", sampler, degree).isGreaterThan(1e-4);
                }
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

    @Test
    void aCachedSamplerAsksAtTheFirstStepsTheLastAndEveryNth() {
        assertThat(asked(1, 6)).containsExactly(0, 1, 2, 3, 4, 5);
        assertThat(asked(2, 10)).containsExactly(0, 1, 2, 4, 6, 8, 9);
        assertThat(asked(3, 10)).containsExactly(0, 1, 2, 5, 8, 9);
        assertThat(asked(10, 10)).containsExactly(0, 1, 2, 9);
        assertThat(asked(4, 2)).containsExactly(0, 1);
    }

    private static List<Integer> asked(int interval, int steps) {
        List<SamplingPlan.Step> plan =
                plan(new Sampler.Cached(new Sampler.UniPc(), interval), steps).steps();
        assertThat(plan).hasSize(steps);
        return IntStream.range(0, steps).filter(i -> plan.get(i).asks()).boxed().toList();
    }

    private static SamplingPlan plan(Sampler sampler, int steps) {
        return SamplingPlan.of(NoiseSchedule.DIT, PredictionType.EPSILON, sampler, steps);
    }

    @Test
    void aCacheIsForSamplersWithoutNoise() {
        for (Sampler noisy : List.of(
                new Sampler.Ddpm(),
                new Sampler.Ddim(0.1),
                new Sampler.Respaced(new Sampler.Ddpm(), Respacing.parse("50")))) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> new Sampler.Cached(noisy, 2))
                    .withMessageContaining("cache interval is 2 for " + noisy + ", which adds noise");
        }
        for (int interval : new int[] {-1, 0, 11}) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> new Sampler.Cached(new Sampler.UniPc(), interval))
                    .withMessageStartingWith("cache interval is " + interval + ", expected 1 (no cache) to 10");
        }
    }

    private interface Network {
        double predict(int t, double x);
    }

    /** One number through all steps, without noise; the history is behind it, the newest last. */
    private static double[] run(SamplingPlan plan, double start, Network network) {
        double[] state = new double[1 + Linear.HISTORY];
        state[0] = start;
        for (SamplingPlan.Step step : plan.steps()) {
            double[] at = state.clone();
            double prediction = step.asks() ? network.predict(step.t(), at[0]) : Double.NaN;
            state[0] = apply(step.next(), prediction, at);
            int first = state.length - step.history().size();
            for (int i = first; i < state.length; i++) {
                state[i] = apply(step.history().get(i - first), prediction, at);
            }
        }
        return state;
    }

    private static double apply(Linear linear, double prediction, double[] at) {
        double sum = linear.x() * at[0];
        if (linear.prediction() != 0) {
            sum += linear.prediction() * prediction;
        }
        for (int i = 0; i < Linear.HISTORY; i++) {
            sum += linear.history().get(i) * at[1 + i];
        }
        return sum;
    }
}
