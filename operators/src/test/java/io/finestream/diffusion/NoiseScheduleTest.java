package io.finestream.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Numbers from the specification, appendix C. */
class NoiseScheduleTest {

    private static final double[] ALPHA_BAR = NoiseSchedule.DIT.alphaBars();

    @ParameterizedTest
    @CsvSource({
        "0, 0.0001, 0.9999, -9.210340, -9.816725",
        "1, 0.00011991992, 0.9997800921, -9.028686, -9.816725",
        "10, 0.0002991992, 0.9978065725, -8.114401, -8.260756",
        "100, 0.002091992, 0.8951415909, -6.169639, -6.187697",
        "250, 0.00507998, 0.5214230306, -5.282448, -5.288027",
        "500, 0.01005996, 0.07779665837, -4.599192, -4.600050",
        "750, 0.01503994, 0.003300158362, -4.197046, -4.197097",
        "999, 0.02, 4.035829765e-05, -3.912023, -3.912024"
    })
    void noiseLevelsAreThoseOfTheReference(
            int t, double beta, double alphaBar, double logBeta, double logPosteriorVariance) {
        assertThat(NoiseSchedule.DIT.beta(t)).isCloseTo(beta, withinPercentage(1e-5));
        assertThat(ALPHA_BAR[t]).isCloseTo(alphaBar, withinPercentage(1e-7));
        float[] loss = new LossCoefficients(NoiseSchedule.DIT, PredictionType.EPSILON).loss(new int[] {t});
        assertThat(loss[6]).isEqualTo((float) logPosteriorVariance, within(2e-6f));
        assertThat(loss[7]).isEqualTo((float) logBeta, within(2e-6f));
    }

    @Test
    void evenTimestepsAreRoundedAsInTheReference() {
        assertThat(NoiseSchedule.DIT.evenTimesteps(250))
                .hasSize(250)
                .startsWith(0, 4, 8, 12, 16, 20)
                .endsWith(987, 991, 995, 999);
        assertThat(NoiseSchedule.DIT.evenTimesteps(50))
                .hasSize(50)
                .startsWith(0, 20, 41, 61, 82, 102)
                .endsWith(938, 958, 979, 999);
        assertThat(NoiseSchedule.DIT.evenTimesteps(25))
                .hasSize(25)
                .startsWith(0, 42, 83, 125, 166, 208)
                .endsWith(999);
        assertThat(NoiseSchedule.DIT.evenTimesteps(1)).containsExactly(999);
        assertThat(NoiseSchedule.DIT.evenTimesteps(1000)).startsWith(0, 1, 2).endsWith(998, 999);
    }

    @Test
    void stridedTimestepsAreThoseOfTheReferencesDdim() {
        assertThat(NoiseSchedule.DIT.stridedTimesteps(50))
                .hasSize(50)
                .startsWith(0, 20, 40)
                .endsWith(960, 980);
        assertThat(NoiseSchedule.DIT.stridedTimesteps(250))
                .hasSize(250)
                .startsWith(0, 4, 8)
                .endsWith(992, 996);
    }

    @Test
    void stridedTimestepsFallBackToEvenOnesWhereTheReferenceHasNoStride() {
        assertThat(NoiseSchedule.DIT.stridedTimesteps(60)).isEqualTo(NoiseSchedule.DIT.evenTimesteps(60));
    }

    @Test
    void respacedBetasAreThoseOfTheReference() {
        double[] betas = respacedBetas(NoiseSchedule.DIT.evenTimesteps(250));
        assertThat(betas[0]).isEqualTo(1e-4, within(1e-12));
        assertThat(betas[1]).isEqualTo(5.99065564e-4, within(1e-11));
        assertThat(betas[249]).isEqualTo(0.07751934499, within(1e-10));
        assertThat(respacedBetas(NoiseSchedule.DIT.evenTimesteps(50))[49]).isEqualTo(0.329809066, within(1e-8));
        assertThat(respacedBetas(NoiseSchedule.DIT.evenTimesteps(100))[99]).isEqualTo(0.182179531, within(1e-8));
        assertThat(respacedBetas(NoiseSchedule.DIT.stridedTimesteps(50))[49]).isEqualTo(0.324614447, within(1e-8));
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 0, 1001})
    void stepsOutsideTheScheduleAreRefused(int steps) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> NoiseSchedule.DIT.evenTimesteps(steps))
                .withMessage("steps is " + steps + ", expected 1 to 1000");
        assertThatIllegalArgumentException().isThrownBy(() -> NoiseSchedule.DIT.stridedTimesteps(steps));
    }

    @ParameterizedTest
    @CsvSource({"1, 1e-4, 0.02", "1000, 0, 0.02", "1000, 0.02, 1e-4", "1000, 1e-4, 1", "1000, NaN, 0.02"})
    void badScheduleIsRefused(int timesteps, double start, double end) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new NoiseSchedule(timesteps, start, end))
                .withMessageContaining(timesteps + " timesteps from beta " + start + " to " + end)
                .withMessageContaining("expected");
    }

    private static double[] respacedBetas(int[] t) {
        double[] betas = new double[t.length];
        Arrays.setAll(
                betas,
                i -> Posterior.of(ALPHA_BAR[t[i]], i > 0 ? ALPHA_BAR[t[i - 1]] : 1)
                        .beta());
        return betas;
    }
}
