package io.finestream.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class LossCoefficientsTest {

    private static final int[] LEVELS = {5, 100, 250, 600, 990};

    @ParameterizedTest
    @EnumSource
    void everyTimestepCountsAlikeUnlessAskedOtherwise(PredictionType prediction) {
        assertThat(new LossCoefficients(NoiseSchedule.DIT, prediction).weight(LEVELS))
                .containsOnly(1f);
    }

    @Test
    void minSnrWeighsTheErrorOfX0AlikeWhateverIsPredicted() {
        double gamma = 5;
        double[] alphaBars = NoiseSchedule.DIT.alphaBars();
        float[] eps = new LossCoefficients(NoiseSchedule.DIT, PredictionType.EPSILON, gamma).weight(LEVELS);
        float[] v = new LossCoefficients(NoiseSchedule.DIT, PredictionType.V_PREDICTION, gamma).weight(LEVELS);
        for (int i = 0; i < LEVELS.length; i++) {
            double snr = alphaBars[LEVELS[i]] / (1 - alphaBars[LEVELS[i]]);
            // an error e of x_0 is one of √SNR·e of ε and one of √(SNR + 1)·e of v
            assertThat(eps[i] * snr).isEqualTo(Math.min(snr, gamma), within(1e-4));
            assertThat(v[i] * (snr + 1)).isEqualTo(Math.min(snr, gamma), within(1e-4));
        }
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, -1, Double.NaN})
    void aGammaThatIsNotPositiveIsRefused(double gamma) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new LossCoefficients(NoiseSchedule.DIT, PredictionType.EPSILON, gamma))
                .withMessageContaining(String.valueOf(gamma));
    }
}
