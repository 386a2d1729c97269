package io.finestream.weights;

import static io.finestream.Golden.assertClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.finestream.Golden;
import io.finestream.dit.ComputeType;
import io.finestream.dit.DiT;
import io.finestream.dit.DiTConfig;
import io.finestream.dit.Label;
import io.finestream.dit.Taxonomy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Against the numbers of huggingface/diffusers 0.15 and of the original program, for the same weights. */
class DiffusersLayoutTest {

    private static final String FILE = "diffusers-forward.safetensors";
    private static final String WEIGHTS = "diffusion_pytorch_model.safetensors";
    private static final Golden GOLDEN = new Golden();
    private static final Taxonomy CLASSES = new Taxonomy(
            List.of("a", "b", "c"),
            IntStream.range(0, 12)
                    .mapToObj(i -> new Taxonomy.Subclass("class " + i, i % 3))
                    .toList());

    @TempDir
    private Path directory;

    @AfterAll
    static void close() {
        GOLDEN.close();
    }

    @BeforeEach
    void copy() throws IOException {
        for (String name : List.of("config.json", WEIGHTS)) {
            Files.copy(Golden.file("diffusers-layout/" + name), directory.resolve(name));
        }
        ModelConfig.writeTaxonomy(directory.resolve("taxonomy.json"), CLASSES);
    }

    @Test
    void theConfigurationIsUnderstood() throws IOException {
        ModelConfig config = ModelFiles.in(directory).readConfig();
        assertThat(config.dit()).isEqualTo(Golden.CONFIG);
        assertThat(config.defaults().guidedChannels()).isEqualTo(4);
    }

    @Test
    void theNumbersAreThoseThatTheWeightsWereTrainedWith() throws IOException {
        assertForward(ModelFiles.in(directory), ComputeType.FP32, "plain_dit_out", 1e-5);
    }

    @Test
    void theNumbersOfDiffusersAreToBeHad() throws IOException {
        assertForward(ModelFiles.in(directory).withDiffusersNumerics(), ComputeType.FP32, "diffusers_out", 1e-5);
    }

    @Test // measured: 5.7e-3
    void bfloat16StaysWithinItsPrecision() throws IOException {
        assertForward(ModelFiles.in(directory), ComputeType.BF16, "plain_dit_out", 2e-2);
    }

    @Test
    void theTensorsAreThoseOfTheOriginalLayout() throws IOException {
        DiTWeights read = DiTWeights.in(TensorFile.open(directory.resolve(WEIGHTS)), Golden.CONFIG);
        Map<String, NDArray> expected = GOLDEN.weights();
        assertThat(read.shapes().keySet()).isEqualTo(expected.keySet());
        for (Map.Entry<String, NDArray> tensor : expected.entrySet()) {
            if (!tensor.getKey().contains("norm")) { // this layout has none
                assertThat(read.read(GOLDEN.ops, GOLDEN.manager, tensor.getKey())
                                .toFloatArray())
                        .as(tensor.getKey())
                        .isEqualTo(tensor.getValue().toFloatArray());
            }
        }
    }

    @Test
    void copiesOfAnEmbedderThatDifferAreRefused() throws IOException {
        Map<String, NDArray> tensors = new LinkedHashMap<>();
        TensorFile file = TensorFile.open(directory.resolve(WEIGHTS));
        for (String name : file.names()) {
            tensors.put(name, file.map(GOLDEN.ops, GOLDEN.manager, name));
        }
        tensors.computeIfPresent(
                "transformer_blocks.1.norm1.emb.timestep_embedder.linear_1.bias", (name, bias) -> bias.add(1e-3f));
        Safetensors.write(directory.resolve(WEIGHTS), tensors, Map.of());
        assertThatThrownBy(() -> DiTWeights.in(TensorFile.open(directory.resolve(WEIGHTS)), Golden.CONFIG))
                .isInstanceOf(WeightsException.class)
                .hasMessageContaining("transformer_blocks.1.norm1.emb.timestep_embedder.linear_1.bias is not the same")
                .hasMessageContaining("an embedder in every block");
    }

    @Test
    void aTransformerOfAnotherKindIsRefused() throws IOException {
        Path config = directory.resolve("config.json");
        Files.writeString(config, Files.readString(config).replace("ada_norm_zero", "layer_norm"));
        assertThatThrownBy(() -> ModelFiles.in(directory).readConfig())
                .hasMessageContaining("norm_type is layer_norm, expected ada_norm_zero");
    }

    @Test
    void labelsOfAPipelineAreItsClasses() throws IOException {
        Path pipeline = Files.createDirectory(directory.resolve("pipeline"));
        Path transformer = Files.createDirectory(pipeline.resolve("transformer"));
        for (String name : List.of("config.json", WEIGHTS)) {
            Files.move(directory.resolve(name), transformer.resolve(name));
        }
        String labels = String.join(
                ", ",
                IntStream.range(0, 14).mapToObj(i -> "\"" + i + "\": \"crane\"").toList());
        Files.writeString(
                pipeline.resolve("model_index.json"),
                "{\"_class_name\": \"DiTPipeline\", \"id2label\": {" + labels + "}}");
        ModelFiles files = ModelFiles.in(pipeline);
        ModelConfig config = files.readConfig();
        assertThat(config.dit().nullLabel()).isTrue(); // 15 rows
        assertThat(config.dit().superclasses()).isZero();
        assertThat(files.readTaxonomy(config).subclassName(13)).isEqualTo("crane (13)");
    }

    private static void assertForward(ModelFiles files, ComputeType type, String expected, double tolerance)
            throws IOException {
        DiTConfig config = files.readConfig().dit();
        NDArray x = GOLDEN.tensor(FILE, "x");
        List<Label> labels = Arrays.stream(GOLDEN.ints(FILE, "y"))
                .mapToObj(y -> y < 12 ? Label.subclass(y) : Label.superclass(y - 12))
                .toList();
        try (NDManager m = GOLDEN.manager.newSubManager()) {
            Map<String, NDArray> weights =
                    DiTWeights.in(TensorFile.open(files.weights()), config).readAll(GOLDEN.ops, m);
            DiT dit = new DiT(GOLDEN.ops, config, weights, type);
            assertClose(
                    expected,
                    dit.forward(m, x, GOLDEN.ints(FILE, "t"), labels),
                    GOLDEN.tensor(FILE, expected),
                    tolerance);
        }
    }
}
