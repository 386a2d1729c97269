package io.finestream.tuning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.finestream.Golden;
import io.finestream.RandomWeights;
import io.finestream.diffusion.LossCoefficients;
import io.finestream.diffusion.Noise;
import io.finestream.diffusion.NoiseSchedule;
import io.finestream.diffusion.PredictionType;
import io.finestream.dit.ComputeType;
import io.finestream.dit.DiTConfig;
import io.finestream.dit.DiTParameters;
import io.finestream.dit.Label;
import io.finestream.torch.TorchOps;
import io.finestream.weights.DiTWeights;
import io.finestream.weights.Safetensors;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TrainerTest {

    private static final Golden GOLDEN = new Golden();
    private static final DiTConfig CONFIG = new DiTConfig(8, 4, 3, 32, 2, 2, 4, 2, false);
    private static final Predicate<String> ALL_BUT_POSITIONS = name -> !name.equals("pos_embed");

    @BeforeAll
    static void recordGradients() {
        TorchOps.prepareThread(1, true);
    }

    @AfterAll
    static void close() {
        TorchOps.recordGradients(false);
        GOLDEN.close();
    }

    @ParameterizedTest
    @EnumSource
    void lossFallsOnASmallProblem(PredictionType prediction) {
        Map<String, NDArray> fresh = DiTParameters.initialise(GOLDEN.manager, CONFIG);
        try (Training trainer = trainer(fresh, prediction, ALL_BUT_POSITIONS)) {
            double first = trainer.step(batch(0), 3e-3).mse();
            double last = first;
            for (int step = 1; step < 30; step++) {
                last = trainer.step(batch(0), 3e-3).mse();
            }
            assertThat(first).isBetween(0.5, 1.5); // a fresh network predicts 0, the targets have variance 1
            assertThat(last).isLessThan(0.8 * first);
            assertThat(trainer.optimizer().stepsDone()).isEqualTo(30);
        }
    }

    @Test
    void restoredTrainerTakesTheSameStepsToTheLastBit() {
        Map<String, NDArray> initial = RandomWeights.of(GOLDEN.manager, CONFIG, 5);
        Map<String, NDArray> saved = new LinkedHashMap<>();
        try (Training original = trainer(initial, PredictionType.EPSILON, ALL_BUT_POSITIONS);
                Training restored = trainer(
                        RandomWeights.of(GOLDEN.manager, CONFIG, 6), PredictionType.EPSILON, ALL_BUT_POSITIONS)) {
            for (int step = 0; step < 3; step++) {
                original.step(batch(step), 1e-3);
            }
            original.optimizer().state().forEach((name, array) -> saved.put(name, array.duplicate()));
            restored.optimizer().restore(saved, original.optimizer().stepsDone());
            for (int step = 3; step < 6; step++) {
                assertThat(restored.step(batch(step), 1e-3)).isEqualTo(original.step(batch(step), 1e-3));
            }
            assertThat(restored.optimizer().stepsDone()).isEqualTo(6);
            assertThat(values(restored.optimizer().parameters()))
                    .isEqualTo(values(original.optimizer().parameters()));
            assertThat(values(restored.optimizer().averaged()))
                    .isEqualTo(values(original.optimizer().averaged()));
        }
    }

    @Test
    void frozenParametersAndTheirAveragesStayAsTheyWere() {
        Map<String, NDArray> initial = RandomWeights.of(GOLDEN.manager, CONFIG, 5);
        Map<String, List<Float>> before = values(initial);
        Predicate<String> biases = name -> name.endsWith(".bias");
        try (Training trainer = trainer(initial, PredictionType.EPSILON, biases)) {
            for (int step = 0; step < 3; step++) {
                trainer.step(batch(step), 1e-2);
            }
            Map<String, List<Float>> after = values(trainer.optimizer().parameters());
            Map<String, List<Float>> averaged = values(trainer.optimizer().averaged());
            before.forEach((name, value) -> {
                if (biases.test(name)) {
                    assertThat(after.get(name)).as(name).isNotEqualTo(value);
                    assertThat(averaged.get(name)).as(name).isNotEqualTo(value).isNotEqualTo(after.get(name));
                } else {
                    assertThat(after.get(name)).as(name).isEqualTo(value);
                    assertThat(averaged.get(name)).as(name).isEqualTo(value);
                }
            });
        }
        assertThat(values(initial)).as("the weights that were passed in").isEqualTo(before);
    }

    @Test
    void variationalBoundTeachesTheVarianceChannelsOnly() {
        assertThat(gradientOfOutputBias(1, 0)).containsOnly(0f);
        assertThat(gradientOfOutputBias(1, 3)).doesNotContain(0f);
    }

    @Test
    void squaredErrorTeachesThePredictionChannelsOnly() {
        assertThat(gradientOfOutputBias(0, 0)).doesNotContain(0f);
        assertThat(gradientOfOutputBias(0, 3)).containsOnly(0f);
    }

    @Test
    void gradientsDoNotCarryOverFromStepToStep() {
        Map<String, NDArray> initial = RandomWeights.of(GOLDEN.manager, CONFIG, 5);
        try (Training trainer = trainer(initial, PredictionType.EPSILON, ALL_BUT_POSITIONS)) {
            Trainer.StepResult first = trainer.step(batch(0), 0);
            assertThat(trainer.step(batch(0), 0)).isEqualTo(first);
            assertThat(first.gradNorm()).isPositive();
        }
    }

    @Test
    void labelsOfARowTeachOnlyTheirOwnRowOfTheTable() {
        Map<String, NDArray> initial = RandomWeights.of(GOLDEN.manager, CONFIG, 5);
        try (Training trainer = trainer(initial, PredictionType.EPSILON, name -> name.startsWith("y_embedder"))) {
            float[] before = initial.get(DiTParameters.SUBCLASS_TABLE).toFloatArray();
            trainer.step(batch(0), 1e-2); // labels: subclasses 0, 1, 2 and superclass 1
            float[] after = trainer.optimizer()
                    .parameters()
                    .get(DiTParameters.SUBCLASS_TABLE)
                    .toFloatArray();
            for (int row = 0; row < 4; row++) {
                assertThat(after[row * 32] != before[row * 32])
                        .as("row %s", row)
                        .isEqualTo(row < 3);
            }
            float[] coarse = initial.get(DiTParameters.SUPERCLASS_TABLE).toFloatArray();
            float[] tuned = trainer.optimizer()
                    .parameters()
                    .get(DiTParameters.SUPERCLASS_TABLE)
                    .toFloatArray();
            assertThat(tuned[0]).isEqualTo(coarse[0]);
            assertThat(tuned[32]).isNotEqualTo(coarse[32]);
        }
    }

    @Test
    void gradientsReachTheGammasOfTheirBlocksOnly() {
        Map<String, NDArray> initial = RandomWeights.of(GOLDEN.manager, CONFIG, 5);
        initial.putAll(DiTParameters.initialGammas(GOLDEN.manager, CONFIG, 1));
        Predicate<String> trainable = TuningStrategy.DIFF_FIT.trainable(initial.keySet())::contains;
        try (Training trainer = trainer(initial, PredictionType.EPSILON, trainable)) {
            trainer.step(batch(0), 1e-2);
            Map<String, NDArray> tuned = trainer.optimizer().parameters();
            assertThat(tuned).doesNotContainKey("blocks.1.gamma1");
            for (String gamma : List.of("blocks.0.gamma1", "blocks.0.gamma2")) {
                assertThat(tuned.get(gamma).toFloatArray()).as(gamma).doesNotContain(1f);
            }
        }
    }

    @Test
    void frozenParametersAreTheOnesThatWerePassedIn() {
        Map<String, NDArray> initial = RandomWeights.of(GOLDEN.manager, CONFIG, 5);
        try (Training trainer = trainer(initial, PredictionType.EPSILON, name -> name.endsWith(".bias"))) {
            trainer.optimizer()
                    .parameters()
                    .forEach((name, array) ->
                            assertThat(array == initial.get(name)).as(name).isEqualTo(!name.endsWith(".bias")));
        }
        assertThat(initial.get("pos_embed").toFloatArray()).as("still open").isNotEmpty();
    }

    @Test
    void gradientsPassFrozenParametersThatWereReadFromHalfPrecision(@TempDir Path folder) throws IOException {
        Map<String, NDArray> half = RandomWeights.of(GOLDEN.manager, CONFIG, 5);
        half.replaceAll((name, weight) -> weight.toType(DataType.FLOAT16, true));
        Path file = folder.resolve("half.safetensors");
        Safetensors.write(file, half, Map.of());
        Map<String, NDArray> initial =
                DiTWeights.in(Safetensors.open(file), CONFIG).readAll(GOLDEN.ops, GOLDEN.manager);
        try (Training trainer = trainer(initial, PredictionType.EPSILON, name -> name.startsWith("x_embedder"))) {
            assertThat(trainer.step(batch(0), 1e-3).gradNorm()).isPositive();
        }
    }

    @Test
    void aRuleThatMatchesNothingIsRefused() {
        Map<String, NDArray> initial = RandomWeights.of(GOLDEN.manager, CONFIG, 5);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> trainer(initial, PredictionType.EPSILON, name -> false))
                .withMessageContaining("no parameter is trainable");
    }

    @Test
    void stateOfAnotherNetworkIsRefused() {
        Map<String, NDArray> initial = RandomWeights.of(GOLDEN.manager, CONFIG, 5);
        try (Training trainer = trainer(initial, PredictionType.EPSILON, name -> name.equals("x_embedder.proj.bias"))) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> trainer.optimizer().restore(Map.of(), 1))
                    .withMessageContaining("no tensor 'model.x_embedder.proj.bias'");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> trainer.optimizer()
                            .restore(Map.of("model.x_embedder.proj.bias", GOLDEN.manager.zeros(new Shape(31))), 1))
                    .withMessageContaining("(31), expected (32)");
        }
    }

    /**
     * Gradient of one part of the loss with respect to the bias of three output channels, over all cells of a patch.
     *
     * @param part 0 mean squared error, 1 variational bound
     * @param firstChannel 0 for the prediction, 3 for the variance
     */
    private static float[] gradientOfOutputBias(int part, int firstChannel) {
        Map<String, NDArray> initial = RandomWeights.of(GOLDEN.manager, CONFIG, 5);
        try (Training trainer =
                        trainer(initial, PredictionType.EPSILON, name -> name.equals("final_layer.linear.bias"));
                NDManager m = GOLDEN.manager.newSubManager()) {
            TorchOps.backward(trainer.losses(m, batch(0)).get(part).sum());
            float[] gradient =
                    trainer.optimizer().gradients(m, Map.of()).get(0).toFloatArray(); // [P*P*2C], channel fastest
            float[] picked = new float[gradient.length / 2];
            for (int i = 0; i < picked.length; i++) {
                picked[i] = gradient[i / 3 * 6 + firstChannel + i % 3];
            }
            return picked;
        }
    }

    /** A trainer with an optimizer of its own. */
    private record Training(AdamW optimizer, Trainer trainer) implements AutoCloseable {

        Trainer.StepResult step(TrainingBatch batch, double learningRate) {
            return trainer.step(GOLDEN.manager, batch, learningRate);
        }

        NDArray losses(NDManager m, TrainingBatch batch) {
            return trainer.loss().perRow(m, batch);
        }

        @Override
        public void close() {
            optimizer.close();
        }
    }

    private static Training trainer(
            Map<String, NDArray> initial, PredictionType prediction, Predicate<String> isTrainable) {
        AdamW optimizer = new AdamW(GOLDEN.ops, GOLDEN.manager, initial, isTrainable, AdamW.Options.REFERENCE);
        return new Training(
                optimizer,
                new Trainer(
                        GOLDEN.ops,
                        CONFIG,
                        new LossCoefficients(NoiseSchedule.DIT, prediction),
                        ComputeType.FP32,
                        optimizer));
    }

    private static TrainingBatch batch(int step) {
        int size = CONFIG.latentSize();
        float[] x0 = new float[4 * size];
        for (int i = 0; i < x0.length; i++) {
            x0[i] = (float) Math.sin(0.1 * i * (1 + i / size));
        }
        return new TrainingBatch(
                x0,
                Noise.SEEDED.normal(1, 0, step, x0.length),
                new int[] {0, 300, 600, 999 - step},
                List.of(Label.subclass(0), Label.subclass(1), Label.subclass(2), Label.superclass(1)));
    }

    private static Map<String, List<Float>> values(Map<String, NDArray> arrays) {
        Map<String, List<Float>> values = new HashMap<>();
        arrays.forEach((name, array) -> {
            List<Float> list = new ArrayList<>();
            for (float value : array.toFloatArray()) {
                list.add(value);
            }
            values.put(name, list);
        });
        return values;
    }
}
