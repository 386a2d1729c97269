package io.finestream.tuning;

import static io.finestream.Golden.assertClose;
import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.finestream.RandomWeights;
import io.finestream.diffusion.LossCoefficients;
import io.finestream.diffusion.Noise;
import io.finestream.diffusion.NoiseSchedule;
import io.finestream.diffusion.PredictionType;
import io.finestream.dit.ComputeType;
import io.finestream.dit.DiTConfig;
import io.finestream.dit.DiTParameters;
import io.finestream.dit.Label;
import io.finestream.dit.TrainingPass;
import io.finestream.torch.TorchOps;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The blocks' own backward pass against autograd's, which other strategies use. */
class TrainingPassTest {

    private static final NDManager MANAGER = TorchOps.newManager(Device.cpu());
    private static final TorchOps OPS = TorchOps.load(MANAGER);
    private static final DiTConfig TINY = new DiTConfig(8, 2, 4, 48, 3, 4, 5, 2, false);
    private static final DiTConfig DIFFUSERS = new DiTConfig(8, 2, 4, 48, 2, 4, 5, 2, true);
    private static final DiTConfig WIDE = new DiTConfig(32, 2, 4, 384, 2, 6, 5, 2, false); // of DiT-S/2's blocks

    @BeforeAll
    static void recordGradients() {
        TorchOps.prepareThread(1, true);
    }

    @AfterAll
    static void close() {
        TorchOps.recordGradients(false);
        MANAGER.close();
    }

    @ParameterizedTest
    @EnumSource
    void everyGradientIsAutograds(TuningStrategy strategy) {
        compareWithAutograd(TINY, strategy, ComputeType.FP32, 1e-5);
        compareWithAutograd(DIFFUSERS, strategy, ComputeType.FP32, 1e-5);
    }

    @ParameterizedTest
    @EnumSource(names = {"FINE_DIFFUSION", "DIFF_FIT"})
    void everyGradientOfBlocksOfAPublishedWidthIsAutograds(TuningStrategy strategy) {
        compareWithAutograd(WIDE, strategy, ComputeType.FP32, 1e-5);
    }

    @Test
    void inBfloat16GradientsDifferFromAutogradsAsItsOwnRoundingDoes() {
        compareWithAutograd(TINY, TuningStrategy.DIFF_FIT, ComputeType.BF16, 5e-2);
    }

    @Test
    void autogradRecordsOnlyWhatTheBlocksDoNotDoThemselves() {
        assertThat(gradientsOfBlocks(TuningStrategy.FINE_DIFFUSION)).hasSize(9 * TINY.depth());
        assertThat(gradientsOfBlocks(TuningStrategy.DIFF_FIT)).hasSize(9 * TINY.depth() + 2 * 2);
        assertThat(gradientsOfBlocks(TuningStrategy.FULL)).isEmpty();
    }

    private static Map<String, NDArray> gradientsOfBlocks(TuningStrategy strategy) {
        try (NDManager m = MANAGER.newSubManager();
                AdamW optimizer = optimizer(m, TINY, strategy)) {
            DiffusionLoss loss = loss(TINY, ComputeType.FP32, optimizer);
            TrainingPass pass = new TrainingPass(loss.dit());
            return pass.backward(m, loss.perRow(m, batch(TINY), pass::forward).mean());
        }
    }

    private static void compareWithAutograd(
            DiTConfig config, TuningStrategy strategy, ComputeType type, double tolerance) {
        try (NDManager m = MANAGER.newSubManager();
                AdamW recorded = optimizer(m, config, strategy);
                AdamW written = optimizer(m, config, strategy)) {
            DiffusionLoss autograd = loss(config, type, recorded);
            NDArray expectedLosses = autograd.perRow(m, batch(config)); // [2, B]
            TorchOps.backward(expectedLosses.mean());
            List<NDArray> expected = recorded.gradients(m, Map.of());

            DiffusionLoss loss = loss(config, type, written);
            TrainingPass pass = new TrainingPass(loss.dit());
            NDArray losses = loss.perRow(m, batch(config), pass::forward); // [2, B]
            assertClose("losses", losses, expectedLosses, tolerance);
            List<NDArray> actual = written.gradients(m, pass.backward(m, losses.mean()));
            List<String> names = List.copyOf(written.averages().keySet());
            for (int i = 0; i < names.size(); i++) {
                assertClose(
                        strategy + " " + type + " " + names.get(i),
                        Objects.requireNonNull(actual.get(i)),
                        expected.get(i),
                        tolerance);
            }
        }
    }

    private static AdamW optimizer(NDManager m, DiTConfig config, TuningStrategy strategy) {
        Map<String, NDArray> weights = new LinkedHashMap<>(RandomWeights.of(m, config, 3));
        if (strategy == TuningStrategy.DIFF_FIT) {
            DiTParameters.initialGammas(m, config, 2).forEach((name, ones) -> weights.put(name, ones.mul(0.7f)));
        }
        return new AdamW(OPS, m, weights, strategy.trainable(weights.keySet())::contains, AdamW.Options.REFERENCE);
    }

    private static DiffusionLoss loss(DiTConfig config, ComputeType type, AdamW optimizer) {
        LossCoefficients coefficients = new LossCoefficients(NoiseSchedule.DIT, PredictionType.EPSILON);
        return new Trainer(OPS, config, coefficients, type, optimizer).loss();
    }

    private static TrainingBatch batch(DiTConfig config) {
        int numbers = 3 * config.latentSize();
        return new TrainingBatch(
                Noise.SEEDED.normal(1, 0, 0, numbers),
                Noise.SEEDED.normal(1, 0, 1, numbers),
                new int[] {0, 400, 999},
                List.of(Label.subclass(0), Label.subclass(3), Label.superclass(1)));
    }
}
