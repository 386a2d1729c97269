package io.finestream.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Numbers from the specification, appendix C; those of sections by the algorithm of improved-diffusion. */
class RespacingTest {

    @Test
    void aNumberSpreadsAsManyTimestepsEvenly() {
        assertThat(timesteps("250"))
                .hasSize(250)
                .startsWith(0, 4, 8, 12, 16, 20)
                .endsWith(987, 991, 995, 999);
        assertThat(timesteps("50"))
                .hasSize(50)
                .startsWith(0, 20, 41, 61, 82, 102)
                .endsWith(938, 958, 979, 999);
        assertThat(timesteps("25"))
                .hasSize(25)
                .startsWith(0, 42, 83, 125, 166, 208)
                .endsWith(999);
        assertThat(timesteps("1")).containsExactly(999);
    }

    @Test
    void ddimTakesAWholeStride() {
        assertThat(timesteps("ddim50")).hasSize(50).startsWith(0, 20, 40).endsWith(960, 980);
        assertThat(timesteps("ddim250")).hasSize(250).startsWith(0, 4, 8).endsWith(992, 996);
        assertThat(timesteps("ddim1000")).hasSize(1000).endsWith(999);
    }

    /** Sections of 334, 333 and 333 timesteps: from 0 by 333 / 1, from 334 by 332 / 2, from 667 by 332 / 4. */
    @Test
    void sectionsHaveAsManyTimestepsAsIsSaid() {
        assertThat(timesteps("2,3,5")).containsExactly(0, 333, 334, 500, 666, 667, 750, 833, 916, 999);
        assertThat(timesteps("10,0,1")).hasSize(11).startsWith(0, 37, 74).endsWith(333, 667);
        assertThat(timesteps("10,15,20")).hasSize(45).isSorted().doesNotHaveDuplicates();
    }

    @Test
    void whatCanNotBeDividedIsRefused() {
        assertRefused("ddim60", "respacing is 'ddim60', but no whole stride visits 60 of 1000 timesteps");
        assertRefused("0", "respacing is '0', expected 1 to 1000");
        assertRefused("1001", "respacing is '1001', expected 1 to 1000");
        assertRefused("0,0", "respacing is '0,0', expected at least one timestep");
        assertRefused("0" + ",1".repeat(30_000), "respacing is '0,1,1");
        assertRefused("10,501", "respacing is '10,501', but section 2 of 2 has 500 timesteps");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " 50", "fifty", "ddim", "ddim5,6", "5,", ",5", "5,,6", "-5", "1e3", "9999999999"})
    void anythingElseIsNoRespacing(String text) {
        assertRefused(text, "respacing is '" + text + "', expected a number of timesteps (250)");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {"250", "ddim50", "10,15,20"})
    void isWrittenAsItWasRead(String text) {
        assertThat(Respacing.parse(text)).hasToString(text);
    }

    @Test
    void aRespacedSamplerVisitsTheseTimestepsWhateverTheSteps() {
        Sampler sampler = new Sampler.Respaced(new Sampler.Ddim(0), Respacing.parse("2,3,5"));
        SamplingPlan plan = SamplingPlan.of(NoiseSchedule.DIT, PredictionType.EPSILON, sampler, 20);
        assertThat(plan.steps())
                .extracting(SamplingPlan.Step::t)
                .containsExactly(999, 916, 833, 750, 667, 666, 500, 334, 333, 0);
    }

    @Test
    void ddimRespacedAsItsStepsAreIsTheSamePlan() {
        Sampler respaced = new Sampler.Respaced(new Sampler.Ddim(0.5), Respacing.parse("ddim50"));
        assertThat(SamplingPlan.of(NoiseSchedule.DIT, PredictionType.EPSILON, respaced, 1))
                .isEqualTo(SamplingPlan.of(NoiseSchedule.DIT, PredictionType.EPSILON, new Sampler.Ddim(0.5), 50));
    }

    @Test
    void multistepSamplersAreNotRespaced() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Sampler.Respaced(new Sampler.UniPc(), Respacing.parse("ddim50")))
                .withMessageContaining("respacing is 'ddim50', which goes with DDIM or DDPM");
    }

    private static int[] timesteps(String text) {
        return Respacing.parse(text).timesteps(NoiseSchedule.DIT);
    }

    private static void assertRefused(String text, String message) {
        assertThatIllegalArgumentException().isThrownBy(() -> timesteps(text)).withMessageStartingWith(message);
    }
}
