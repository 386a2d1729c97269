package io.finestream.dit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.finestream.Golden;
import io.finestream.RandomWeights;
import io.finestream.torch.TorchOps;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class DiTTest {

    private static final Golden GOLDEN = new Golden();

    @AfterAll
    static void close() {
        GOLDEN.close();
    }

    static Stream<Arguments> networks() {
        DiTConfig pixels = new DiTConfig(32, 4, 3, 256, 2, 4, 12, 3, false); // as wide as the model that ships
        DiTConfig latents = new DiTConfig(16, 2, 4, 384, 1, 6, 12, 3, false); // DiT-S/2 on a smaller latent
        return Stream.of(Golden.CONFIG, pixels, latents)
                .flatMap(config -> Stream.of(ComputeType.values())
                        .flatMap(type -> Stream.of(1, 2).map(threads -> Arguments.of(config, type, threads))));
    }

    /**
     * To the last bit, in batches of 1 to 9 rows in any order. Holds for 1 and 2 threads; the engine's product splits
     * its rows elsewhere on 3.
     */
    @ParameterizedTest
    @MethodSource("networks")
    void resultOfARowDoesNotDependOnItsNeighbours(DiTConfig config, ComputeType type, int threads) {
        TorchOps.prepareThread(threads, false);
        Map<String, NDArray> weights = RandomWeights.of(GOLDEN.manager, config, 1);
        DiT dit = new DiT(
                GOLDEN.ops, config, DiTParameters.castForInference(GOLDEN.ops, GOLDEN.manager, weights, type), type);
        int rows = 9;
        Random random = new Random(7);
        float[][] x = new float[rows][config.latentSize()];
        for (float[] row : x) {
            for (int i = 0; i < row.length; i++) {
                row[i] = (float) random.nextGaussian();
            }
        }
        List<Integer> order = new ArrayList<>(IntStream.range(0, rows).boxed().toList());
        float[][] alone =
                order.stream().map(row -> forward(dit, x, List.of(row))[0]).toArray(float[][]::new);
        for (int size = 2; size <= rows; size++) {
            Collections.shuffle(order, random);
            List<Integer> batch = order.subList(0, size);
            float[][] together = forward(dit, x, batch);
            for (int i = 0; i < size; i++) {
                assertThat(together[i])
                        .as("row %s as number %s of %s", batch.get(i), i, size)
                        .isEqualTo(alone[batch.get(i)]);
            }
        }
    }

    static Stream<Kernels> otherKernels() {
        return Kernels.ALL.stream().filter(kernels -> !kernels.equals(Kernels.DETERMINISTIC));
    }

    @ParameterizedTest
    @MethodSource("otherKernels")
    void otherKernelsComputeTheSameUpToRounding(Kernels kernels) {
        TorchOps.prepareThread(1, false);
        DiTConfig config = new DiTConfig(16, 2, 4, 384, 2, 6, 12, 3, false);
        Map<String, NDArray> weights = RandomWeights.of(GOLDEN.manager, config, 1);
        Map<String, NDArray> other = new HashMap<>(weights);
        other.replaceAll(
                (name, weight) -> kernels.packs(name) ? GOLDEN.ops.packWeight(GOLDEN.manager, weight) : weight);
        try (NDManager m = GOLDEN.manager.newSubManager()) {
            NDArray x = m.randomNormal(new Shape(3, 4, 16, 16));
            int[] t = {0, 500, 999};
            List<Label> labels = labels(Label.superclass(2));
            NDArray expected = new DiT(GOLDEN.ops, config, weights, ComputeType.FP32).forward(m, x, t, labels);
            NDArray out = new DiT(GOLDEN.ops, config, other, ComputeType.FP32, kernels).forward(m, x, t, labels);
            assertThat(out.sub(expected).norm().div(expected.norm()).getFloat()).isLessThan(1e-5f);
        }
    }

    @Test
    void latentThatIsPredictedAgainIsEmbeddedOnce() throws IOException {
        TorchOps.prepareThread(1, false);
        DiT dit = GOLDEN.dit(ComputeType.FP32);
        try (NDManager m = GOLDEN.manager.newSubManager()) {
            NDArray x = m.randomNormal(new Shape(2, 4, 8, 8));
            NDArray twice = x.concat(x.get("1:2"));
            int[] t = {10, 20, 20};
            List<Label> labels = labels(Label.superclass(2));
            assertThat(dit.forward(m, x, new long[] {1}, t, labels).toFloatArray())
                    .isEqualTo(dit.forward(m, twice, t, labels).toFloatArray());
        }
    }

    @Test
    void rowsThatShareTimestepAndLabelGetWhatEachGetsAlone() throws IOException {
        TorchOps.prepareThread(1, false);
        DiT dit = GOLDEN.dit(ComputeType.FP32);
        try (NDManager m = GOLDEN.manager.newSubManager()) {
            NDArray x = m.randomNormal(new Shape(4, 4, 8, 8));
            int[] t = {500, 20, 500, 20};
            List<Label> labels = List.of(Label.subclass(3), Label.subclass(3), Label.subclass(3), Label.superclass(1));
            NDArray together = dit.forward(m, x, t, labels);
            for (int row = 0; row < 4; row++) {
                NDArray alone =
                        dit.forward(m, x.get(row + ":" + (row + 1)), new int[] {t[row]}, List.of(labels.get(row)));
                assertThat(together.get(row).toFloatArray()).isEqualTo(alone.toFloatArray());
            }
        }
    }

    @Test
    void resultHasTwiceTheChannelsOfTheInput() throws IOException {
        TorchOps.prepareThread(1, false);
        try (NDManager m = GOLDEN.manager.newSubManager()) {
            NDArray out = GOLDEN.dit(ComputeType.FP32)
                    .forward(m, m.zeros(new Shape(3, 4, 8, 8)), new int[] {0, 1, 999}, labels(Label.superclass(2)));
            assertThat(out.getShape()).isEqualTo(new Shape(3, 8, 8, 8));
        }
    }

    static Stream<Label> labelsOutsideTheirTables() {
        return Stream.of(Label.subclass(12), Label.subclass(-1), Label.superclass(3), Label.superclass(-1));
    }

    @ParameterizedTest
    @MethodSource("labelsOutsideTheirTables")
    void labelOutsideItsTableIsRefused(Label label) throws IOException {
        try (NDManager m = GOLDEN.manager.newSubManager()) {
            DiT dit = GOLDEN.dit(ComputeType.FP32);
            NDArray x = m.zeros(new Shape(3, 4, 8, 8));
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> dit.forward(m, x, new int[3], labels(label)))
                    .withMessageContaining("row=" + label.row())
                    .withMessageContaining((label.tier() == Label.Tier.FINE ? 12 : 3) + " rows");
        }
    }

    @Test
    void missingWeightIsNamed() throws IOException {
        Map<String, NDArray> weights = GOLDEN.weights();
        weights.remove("blocks.1.mlp.fc2.bias");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new DiT(GOLDEN.ops, Golden.CONFIG, weights, ComputeType.FP32))
                .withMessageContaining("'blocks.1.mlp.fc2.bias'");
    }

    @ParameterizedTest
    @EnumSource
    void gammasOfOneChangeNothingToTheLastBit(ComputeType type) {
        TorchOps.prepareThread(1, false);
        Map<String, NDArray> weights = RandomWeights.of(GOLDEN.manager, Golden.CONFIG, 3);
        Map<String, NDArray> scaled = new HashMap<>(weights);
        scaled.putAll(DiTParameters.initialGammas(GOLDEN.manager, Golden.CONFIG, 2));
        float[] plain = forward(Golden.CONFIG, weights, type);
        assertThat(forward(Golden.CONFIG, scaled, type)).isEqualTo(plain);
        for (String gamma : List.of("blocks.0.gamma1", "blocks.1.gamma2")) {
            Map<String, NDArray> other = new HashMap<>(scaled);
            other.computeIfPresent(gamma, (name, ones) -> ones.mul(0.5));
            assertThat(forward(Golden.CONFIG, other, type)).as(gamma).isNotEqualTo(plain);
        }
    }

    @Test
    void gammasScaleTheGatesOfTheirBranches() {
        TorchOps.prepareThread(1, false);
        Map<String, NDArray> weights = RandomWeights.of(GOLDEN.manager, Golden.CONFIG, 3);
        Map<String, NDArray> scaled = new HashMap<>(weights);
        scaled.putAll(DiTParameters.initialGammas(GOLDEN.manager, Golden.CONFIG, 1));
        scaled.computeIfPresent("blocks.0.gamma1", (name, ones) -> ones.mul(2));
        scaled.computeIfPresent("blocks.0.gamma2", (name, ones) -> ones.mul(4));
        // the adaLN rows of both gates, multiplied by the same powers of two: exact
        NDArray factors = GOLDEN.manager.create(new float[] {1, 1, 2, 1, 1, 4}).repeat(48); // [6D]
        Map<String, NDArray> folded = new HashMap<>(weights);
        folded.computeIfPresent("blocks.0.adaLN_modulation.1.bias", (name, bias) -> bias.mul(factors));
        folded.computeIfPresent(
                "blocks.0.adaLN_modulation.1.weight", (name, weight) -> weight.mul(factors.reshape(6 * 48, 1)));
        assertThat(forward(Golden.CONFIG, scaled, ComputeType.FP32))
                .isEqualTo(forward(Golden.CONFIG, folded, ComputeType.FP32));
    }

    @Test
    void aBlockWithOneOfTheTwoGammasIsRefused() throws IOException {
        Map<String, NDArray> weights = GOLDEN.weights();
        weights.put("blocks.1.gamma2", GOLDEN.manager.ones(new Shape(48)));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new DiT(GOLDEN.ops, Golden.CONFIG, weights, ComputeType.FP32))
                .withMessageContaining("'blocks.1.gamma1' is missing");
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void classesThatAreAddedLeaveTheOthersAsTheyWereToTheLastBit(boolean nullLabel) {
        TorchOps.prepareThread(1, false);
        DiTConfig config = new DiTConfig(8, 2, 4, 48, 2, 4, 12, 3, nullLabel);
        Map<String, NDArray> weights = RandomWeights.of(GOLDEN.manager, config, 3);
        Taxonomy old = new Taxonomy(
                List.of("a", "b", "c"),
                IntStream.range(0, 12)
                        .mapToObj(i -> new Taxonomy.Subclass("class " + i, i % 3))
                        .toList());
        Taxonomy taxonomy = old.plus(List.of(new Taxonomy.ClassName("b", "new"), new Taxonomy.ClassName("d", "newer")));
        DiTConfig grownConfig = config.withClasses(taxonomy);
        Map<String, NDArray> grown = DiTParameters.grow(GOLDEN.manager, weights, config, taxonomy);
        assertThat(DiTParameters.shapes(grownConfig))
                .allSatisfy(
                        (name, shape) -> assertThat(grown.get(name).getShape()).isEqualTo(shape));

        assertThat(forward(grownConfig, grown, ComputeType.FP32)).isEqualTo(forward(config, weights, ComputeType.FP32));
        List<Label> superclassB = Collections.nCopies(4, Label.superclass(config.superclassRow(1)));
        List<Label> newInB = Collections.nCopies(4, Label.subclass(taxonomy.subclass("new")));
        assertThat(forward(grownConfig, grown, ComputeType.FP32, newInB))
                .isEqualTo(forward(config, weights, ComputeType.FP32, superclassB));
        List<Label> superclassD = Collections.nCopies(4, Label.superclass(grownConfig.superclassRow(3)));
        List<Label> newInD = Collections.nCopies(4, Label.subclass(taxonomy.subclass("newer")));
        assertThat(forward(grownConfig, grown, ComputeType.FP32, newInD))
                .isEqualTo(forward(grownConfig, grown, ComputeType.FP32, superclassD));
    }

    /** Old classes of both tiers, and the null label of a network that has one. */
    private static float[] forward(DiTConfig config, Map<String, NDArray> weights, ComputeType type) {
        Label last = config.nullLabel() ? Label.superclass(config.nullRow()) : Label.subclass(7);
        return forward(
                config, weights, type, List.of(Label.subclass(0), Label.subclass(11), Label.superclass(2), last));
    }

    private static float[] forward(
            DiTConfig config, Map<String, NDArray> weights, ComputeType type, List<Label> labels) {
        try (NDManager m = GOLDEN.manager.newSubManager()) {
            float[] x = new float[4 * config.latentSize()];
            Random random = new Random(7);
            for (int i = 0; i < x.length; i++) {
                x[i] = (float) random.nextGaussian();
            }
            NDArray latents = m.create(x, new Shape(4, 4, 8, 8));
            return new DiT(GOLDEN.ops, config, DiTParameters.castForInference(GOLDEN.ops, m, weights, type), type)
                    .forward(m, latents, new int[] {0, 10, 500, 999}, labels)
                    .toFloatArray();
        }
    }

    private static List<Label> labels(Label last) {
        return List.of(Label.subclass(0), Label.subclass(11), last);
    }

    private static float[][] forward(DiT dit, float[][] x, List<Integer> rows) {
        DiTConfig config = dit.config();
        int b = rows.size();
        float[] in = new float[b * config.latentSize()];
        int[] t = new int[b];
        List<Label> labels = new ArrayList<>();
        for (int i = 0; i < b; i++) {
            int row = rows.get(i);
            System.arraycopy(x[row], 0, in, i * config.latentSize(), config.latentSize());
            t[i] = row * 111;
            labels.add(row % 3 == 0 ? Label.superclass(row % 3) : Label.subclass(row));
        }
        try (NDManager m = GOLDEN.manager.newSubManager()) {
            NDArray latents = m.create(in, new Shape(b, config.inChannels(), config.inputSize(), config.inputSize()));
            float[] out = dit.forward(m, latents, t, labels).toFloatArray();
            int size = out.length / b;
            return IntStream.range(0, b)
                    .mapToObj(i -> Arrays.copyOfRange(out, i * size, (i + 1) * size))
                    .toArray(float[][]::new);
        }
    }
}
