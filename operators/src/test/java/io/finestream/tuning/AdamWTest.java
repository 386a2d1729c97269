package io.finestream.tuning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.finestream.torch.TorchOps;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A table that gains rows between two steps. */
class AdamWTest {

    private static final NDManager MANAGER = TorchOps.newManager(Device.cpu());
    private static final TorchOps OPS = TorchOps.load(MANAGER);
    private static final int WIDTH =
            16; // the update of what is left over from the processor's vectors rounds otherwise

    @BeforeAll
    static void recordGradients() {
        TorchOps.prepareThread(1, true);
    }

    @AfterAll
    static void close() {
        TorchOps.recordGradients(false);
        MANAGER.close();
    }

    @Test
    void rowsThatWereThereKeepValuesAveragesAndMomentsToTheLastBit() {
        try (AdamW optimizer = optimizer()) {
            step(optimizer);
            step(optimizer);
            Map<String, float[]> before = values(optimizer.state());
            optimizer.grow("table", rows(1));
            Map<String, float[]> after = values(optimizer.state());
            assertThat(after.keySet()).containsExactlyInAnyOrderElementsOf(before.keySet());
            after.forEach((name, values) -> {
                if (!name.endsWith("table")) {
                    assertThat(values).as(name).isEqualTo(before.get(name));
                    return;
                }
                assertThat(Arrays.copyOf(values, 2 * WIDTH)).as(name).isEqualTo(before.get(name));
                assertThat(Arrays.copyOfRange(values, 2 * WIDTH, 3 * WIDTH))
                        .as(name)
                        .isEqualTo(name.contains("moment") ? new float[WIDTH] : rows(1).toFloatArray());
            });
            assertThat(optimizer.averaged().get("table").getShape().get(0)).isEqualTo(3);
            assertThat(optimizer.stepsDone()).isEqualTo(2);
        }
    }

    @Test
    void rowsThatWereThereGoOnAsIfNoneHadBeenAdded() {
        try (AdamW grown = optimizer();
                AdamW untouched = optimizer()) {
            step(grown);
            step(untouched);
            NDArray rowOfItself = grown.parameters().get("table").get("0:1"); // recorded: a view of a trained parameter
            grown.grow("table", rowOfItself);
            for (int i = 0; i < 3; i++) {
                step(grown);
                step(untouched);
            }
            Map<String, float[]> expected = values(untouched.state());
            values(grown.state())
                    .forEach((name, values) -> assertThat(
                                    Arrays.copyOf(values, Objects.requireNonNull(expected.get(name)).length))
                            .as(name)
                            .isEqualTo(expected.get(name)));
            float[] table = grown.parameters().get("table").toFloatArray();
            assertThat(table).hasSize(3 * WIDTH);
            assertThat(table[2 * WIDTH]).as("the new row learns").isNotIn(1f, table[0]);
        }
    }

    @Test
    void grownStateIsRestoredIntoAnOptimizerThatGrewAlike() {
        try (AdamW saved = optimizer();
                AdamW restored = optimizer()) {
            NDArray row = rows(1);
            step(saved);
            saved.grow("table", row);
            step(saved);
            restored.grow("table", row);
            restored.restore(saved.state(), saved.stepsDone());
            step(saved);
            step(restored);
            Map<String, float[]> expected = values(saved.state());
            assertThat(values(restored.state()))
                    .allSatisfy((name, values) -> assertThat(values).as(name).isEqualTo(expected.get(name)));
        }
    }

    @Test
    void aFrozenParameterDoesNotGrow() {
        try (AdamW optimizer = optimizer()) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> optimizer.grow("frozen", MANAGER.create(new float[] {1})))
                    .withMessageContaining("'frozen' can not grow: it is not trained; trained are [bias, table]");
        }
    }

    @Test
    void rowsOfAnotherWidthAreRefusedAndNothingHasChanged() {
        try (AdamW optimizer = optimizer()) {
            Map<String, float[]> before = values(optimizer.state());
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> optimizer.grow("table", MANAGER.ones(new Shape(1, 15))))
                    .withMessageContaining("'table' has rows of (16), but (1, 15) was to be appended");
            assertThat(values(optimizer.state()))
                    .allSatisfy((name, values) -> assertThat(values).isEqualTo(before.get(name)));
        }
    }

    private static AdamW optimizer() {
        Map<String, NDArray> initial = new LinkedHashMap<>();
        initial.put("bias", MANAGER.create(new float[] {1, 2, 3}));
        initial.put("frozen", MANAGER.create(new float[] {1}));
        initial.put("table", rows(2));
        return new AdamW(OPS, MANAGER, initial, name -> !name.equals("frozen"), AdamW.Options.REFERENCE);
    }

    /** Rows 1 1 1 ..., 2 2 2 ... */
    private static NDArray rows(int count) {
        float[][] rows = new float[count][WIDTH];
        for (int i = 0; i < count; i++) {
            Arrays.fill(rows[i], i + 1);
        }
        return MANAGER.create(rows);
    }

    /** Of a loss to which every row contributes on its own. */
    private static void step(AdamW optimizer) {
        try (NDManager m = MANAGER.newSubManager()) {
            NDArray table = optimizer.parameters().get("table");
            NDArray bias = optimizer.parameters().get("bias");
            NDArray loss = table.square().sum().add(bias.square().sum());
            loss.attach(m);
            optimizer.step(m, loss, 1e-2);
        }
    }

    private static Map<String, float[]> values(Map<String, NDArray> arrays) {
        Map<String, float[]> values = new HashMap<>();
        arrays.forEach((name, array) -> values.put(name, array.toFloatArray()));
        return values;
    }
}
