package io.finestream.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.finestream.Golden;
import io.finestream.dit.ComputeType;
import io.finestream.dit.DiT;
import io.finestream.dit.DiTParameters;
import io.finestream.dit.Label;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DiTWeightsTest {

    private static final Golden GOLDEN = new Golden();

    @TempDir
    Path folder;

    @AfterAll
    static void close() {
        GOLDEN.close();
    }

    @Test
    void everyMissingUnexpectedAndMisshapenTensorIsListed() throws IOException {
        Map<String, NDArray> weights = GOLDEN.weights();
        weights.remove("pos_embed"); // it is computed then
        weights.remove("blocks.1.mlp.fc2.bias");
        weights.put("blocks.2.norm1.weight", GOLDEN.manager.zeros(new Shape(48)));
        weights.put("optimizer", GOLDEN.manager.zeros(new Shape(1)));
        weights.put("final_layer.linear.weight", GOLDEN.manager.zeros(new Shape(16, 48)));
        weights.put("blocks.0.norm2.bias", GOLDEN.manager.zeros(new Shape(47)));
        assertThatExceptionOfType(WeightsException.class)
                .isThrownBy(() -> readBack(weights))
                .withMessageContaining("model.safetensors")
                .withMessageContaining("missing blocks.1.mlp.fc2.bias")
                .withMessageContaining("unexpected blocks.2.norm1.weight")
                .withMessageContaining("unexpected optimizer")
                .withMessageContaining("final_layer.linear.weight is (16, 48), expected (32, 48)")
                .withMessageContaining("blocks.0.norm2.bias is (47), expected (48)")
                .withMessageContaining("check config.json");
    }

    @Test
    void theSingleTableOfTheReferenceIsSplitIntoTheTwoTiers() throws IOException {
        NDArray table = GOLDEN.tensor("dit.safetensors", DiTParameters.REFERENCE_TABLE);
        Map<String, NDArray> weights = GOLDEN.weights();
        assertThat(weights).containsOnlyKeys(DiTParameters.shapes(Golden.CONFIG).keySet());
        assertThat(weights.get(DiTParameters.SUBCLASS_TABLE).toFloatArray())
                .isEqualTo(table.get("0:12").toFloatArray());
        assertThat(weights.get(DiTParameters.SUPERCLASS_TABLE).toFloatArray())
                .isEqualTo(table.get("12:").toFloatArray());
    }

    @Test
    void plainDiTEqualsTheModelWhoseNormsAreOneAndZero() throws IOException {
        Map<String, NDArray> plain = GOLDEN.weights();
        plain.keySet().removeIf(name -> name.contains("norm"));
        Map<String, NDArray> affine = new LinkedHashMap<>(GOLDEN.weights());
        affine.replaceAll((name, weight) ->
                !name.contains("norm") ? weight : name.endsWith("weight") ? weight.onesLike() : weight.zerosLike());
        Map<String, NDArray> loaded = readBack(plain);
        assertThat(loaded).hasSameSizeAs(affine);
        assertThat(forward(loaded)).isEqualTo(forward(affine)).isNotEqualTo(forward(GOLDEN.weights()));
    }

    @Test
    void gammasAreReadWhereTheFileHasThem() throws IOException {
        Map<String, NDArray> weights = GOLDEN.weights();
        weights.putAll(DiTParameters.initialGammas(GOLDEN.manager, Golden.CONFIG, 1));
        Map<String, NDArray> loaded = readBack(weights);
        assertThat(loaded).containsOnlyKeys(weights.keySet());
        assertThat(forward(loaded)).isEqualTo(forward(GOLDEN.weights()));
    }

    private Map<String, NDArray> readBack(Map<String, NDArray> weights) throws IOException {
        Path file = folder.resolve("model.safetensors");
        Safetensors.write(file, weights, Map.of());
        return DiTWeights.in(Safetensors.open(file), Golden.CONFIG).readAll(GOLDEN.ops, GOLDEN.manager);
    }

    private static float[] forward(Map<String, NDArray> weights) throws IOException {
        try (NDManager m = GOLDEN.manager.newSubManager()) {
            List<Label> labels =
                    List.of(Label.subclass(0), Label.subclass(5), Label.superclass(0), Label.superclass(2));
            return new DiT(GOLDEN.ops, Golden.CONFIG, weights, ComputeType.FP32)
                    .forward(m, GOLDEN.tensor("forward.safetensors", "x"), new int[] {0, 10, 500, 999}, labels)
                    .toFloatArray();
        }
    }
}
