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
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

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
