package io.finestream.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.finestream.Golden;
import io.finestream.codec.AutoencoderConfig;
import io.finestream.codec.AutoencoderParameters;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AutoencoderFilesTest {

    private static final Golden GOLDEN = new Golden();
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final AutoencoderConfig CONFIG = new AutoencoderConfig(3, 4, List.of(8, 16), 1, 4, 0.5);
    private static final String BIN = "diffusion_pytorch_model.bin";
    private static final String INDEX = "diffusion_pytorch_model.safetensors.index.json";

    /** What stabilityai/sd-vae-ft-mse publishes. */
    private static final String STABLE_DIFFUSION = """
            {
              "_class_name": "AutoencoderKL",
              "_diffusers_version": "0.4.2",
              "act_fn": "silu",
              "block_out_channels": [128, 256, 512, 512],
              "down_block_types":
                  ["DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D"],
              "in_channels": 3,
              "latent_channels": 4,
              "layers_per_block": 2,
              "norm_num_groups": 32,
              "out_channels": 3,
              "sample_size": 256,
              "up_block_types": ["UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D"]
            }
            """;

    @TempDir
    Path folder;

    private Map<String, NDArray> parameters = Map.of();

    @AfterAll
    static void close() {
        GOLDEN.close();
    }

    @BeforeEach
    void save() throws IOException {
        parameters = AutoencoderParameters.initialise(GOLDEN.manager, CONFIG);
        parameters.replaceAll((name, initial) -> initial.add(GOLDEN.manager.randomNormal(initial.getShape())));
        AutoencoderFiles.save(folder, CONFIG, 16, parameters);
    }

    @Test
    void stableDiffusionsConfigurationGivesThePublishedNumberOfParameters() throws IOException {
        Files.writeString(folder.resolve(AutoencoderFiles.CONFIG), STABLE_DIFFUSION);
        AutoencoderConfig config = AutoencoderFiles.readConfig(folder);
        assertThat(config).isEqualTo(new AutoencoderConfig(3, 4, List.of(128, 256, 512, 512), 2, 32, 0.18215));
        assertThat(config.downsampling()).isEqualTo(8);
        assertThat(AutoencoderParameters.shapes(config)).hasSize(248);
        assertThat(AutoencoderParameters.shapes(config).values().stream()
                        .mapToLong(shape -> shape.size())
                        .sum())
                .isEqualTo(83_653_863);
    }

    @Test
    void whatIsSavedIsRead() throws IOException {
        assertThat(AutoencoderFiles.readConfig(folder)).isEqualTo(CONFIG);
        requireSameWeights(folder);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    force_upcast            | true
                    freq_shift              | [1, {}]
                    scaling_factor          | null
                    sample_size             | null
                    shift_factor            | null
                    shift_factor            | 0.0
                    latents_mean            | null
                    latents_std             | [1, 1.0]
                    use_quant_conv          | true
                    mid_block_add_attention | true
                    """)
    void whatChangesNothingMayBeThere(String key, String value) throws IOException {
        set(key, value);
        double scaling = key.equals("scaling_factor") ? 0.18215 : 0.5;
        assertThat(AutoencoderFiles.readConfig(folder))
                .isEqualTo(new AutoencoderConfig(3, 4, List.of(8, 16), 1, 4, scaling));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "_class_name",
                "act_fn",
                "down_block_types",
                "up_block_types",
                "scaling_factor",
                "sample_size",
                "norm_num_groups"
            })
    void keysOfLaterVersionsMayBeMissing(String key) throws IOException {
        Files.writeString(folder.resolve(AutoencoderFiles.CONFIG), STABLE_DIFFUSION);
        AutoencoderConfig expected = AutoencoderFiles.readConfig(folder);
        set(key, null);
        assertThat(AutoencoderFiles.readConfig(folder)).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    _class_name             | "VQModel"
                    act_fn                  | "gelu"
                    down_block_types        | ["DownEncoderBlock2D", "AttnDownEncoderBlock2D"]
                    up_block_types          | ["AttnUpDecoderBlock2D", "UpDecoderBlock2D"]
                    shift_factor            | 0.1159
                    latents_mean            | [0.0, 0.1]
                    latents_std             | [1.0, 2.0]
                    use_quant_conv          | false
                    use_post_quant_conv     | false
                    mid_block_add_attention | false
                    out_channels            | 4
                    in_channels             | 1
                    latent_channels         | 0
                    block_out_channels      | null
                    """)
    void whatChangesTheNetworkIsRefused(String key, String value) throws IOException {
        set(key, value);
        assertThatExceptionOfType(WeightsException.class)
                .isThrownBy(() -> AutoencoderFiles.readConfig(folder))
                .withMessageContaining(AutoencoderFiles.CONFIG)
                .withMessageContaining(key)
                .withMessageContaining("expected");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "null", "7", "[]", "{", "{\"block_out_channels\": 7}"})
    void whatIsNoConfigurationIsRefused(String text) throws IOException {
        Files.writeString(folder.resolve(AutoencoderFiles.CONFIG), text);
        assertThatExceptionOfType(WeightsException.class)
                .isThrownBy(() -> AutoencoderFiles.readConfig(folder))
                .withMessageContaining(AutoencoderFiles.CONFIG);
    }

    @ParameterizedTest
    @CsvSource({"false, true", "true, false", "true, true"})
    void theAttentionMayBeOfAnyVersion(boolean olderNames, boolean convolutions) throws IOException {
        writeAttention(olderNames, convolutions);
        requireSameWeights(folder);
    }

    @Test
    void aMatrixOfAnotherShapeIsRefused() throws IOException {
        Map<String, NDArray> wrong = new LinkedHashMap<>(parameters);
        wrong.computeIfPresent("decoder.mid_block.attentions.0.to_q.weight", (name, w) -> w.reshape(16, 1, 16, 1));
        write(wrong);
        assertThatExceptionOfType(WeightsException.class)
                .isThrownBy(() -> AutoencoderFiles.load(GOLDEN.ops, GOLDEN.manager, folder))
                .withMessageContaining("to_q.weight is (16, 1, 16, 1), expected (16, 16)");
    }

    @Test
    void weightsMayBeInSeveralFilesOrInOneOfTorch() throws IOException {
        Path shards = folder.resolve("shards");
        AutoencoderFiles.save(shards, CONFIG, 16, parameters);
        shard(shards);
        requireSameWeights(shards);
        Path bin = folder.resolve("bin");
        AutoencoderFiles.save(bin, CONFIG, 16, parameters);
        Files.delete(bin.resolve(AutoencoderFiles.WEIGHTS));
        writeBin(bin, 0);
        requireSameWeights(bin);
        assertThat(List.of(AutoencoderFiles.hash(folder), AutoencoderFiles.hash(shards), AutoencoderFiles.hash(bin)))
                .doesNotHaveDuplicates();
    }

    @Test
    void safetensorsComeFirst() throws IOException {
        writeBin(folder, 1);
        requireSameWeights(folder);
    }

    @Test
    void aCopyHasEveryFileAndNothingThatWouldBeReadInstead() throws IOException {
        Path shards = folder.resolve("shards");
        AutoencoderFiles.save(shards, CONFIG, 16, parameters);
        shard(shards);
        Path copy = folder.resolve("copy");
        Map<String, NDArray> others = new LinkedHashMap<>(parameters);
        others.replaceAll((name, w) -> w.neg());
        AutoencoderFiles.save(copy, CONFIG, 16, others);
        AutoencoderFiles.copy(shards, copy);
        requireSameWeights(copy);
        assertThat(AutoencoderFiles.hash(copy)).isEqualTo(AutoencoderFiles.hash(shards));
        AutoencoderFiles.copy(shards, shards);
        requireSameWeights(shards);
    }

    @Test
    void aDirectoryWithoutWeightsSaysWhatIsReadInIt() throws IOException {
        Files.delete(folder.resolve(AutoencoderFiles.WEIGHTS));
        assertThatExceptionOfType(WeightsException.class)
                .isThrownBy(() -> AutoencoderFiles.load(GOLDEN.ops, GOLDEN.manager, folder))
                .withMessageContaining("there are no weights in " + folder)
                .withMessageContaining(AutoencoderFiles.WEIGHTS)
                .withMessageContaining(INDEX)
                .withMessageContaining(BIN);
    }

    private void requireSameWeights(Path directory) throws IOException {
        try (NDManager m = GOLDEN.manager.newSubManager()) {
            Map<String, NDArray> read = AutoencoderFiles.readWeights(GOLDEN.ops, m, directory, CONFIG);
            assertThat(read.keySet()).isEqualTo(parameters.keySet());
            parameters.forEach((name, w) -> {
                assertThat(read.get(name).getShape()).as(name).isEqualTo(w.getShape());
                assertThat(read.get(name).toFloatArray()).as(name).isEqualTo(w.toFloatArray());
            });
        }
    }

    /** Sets a key of the configuration; null removes it. */
    private void set(String key, String value) throws IOException {
        Path file = folder.resolve(AutoencoderFiles.CONFIG);
        Map<String, Object> config = JSON.readValue(file.toFile(), new TypeReference<>() {});
        if (value == null) {
            config.remove(key);
        } else {
            config.put(key, JSON.readTree(value));
        }
        JSON.writeValue(file.toFile(), config);
    }

    private void writeAttention(boolean olderNames, boolean convolutions) throws IOException {
        Map<String, String> older = Map.of("to_q", "query", "to_k", "key", "to_v", "value", "to_out.0", "proj_attn");
        Map<String, NDArray> written = new LinkedHashMap<>();
        parameters.forEach((name, w) -> {
            String inFile = name;
            if (olderNames) {
                for (Map.Entry<String, String> part : older.entrySet()) {
                    inFile = inFile.replace("." + part.getKey() + ".", "." + part.getValue() + ".");
                }
            }
            boolean matrix = w.getShape().dimension() == 2;
            written.put(
                    inFile,
                    matrix && convolutions ? w.reshape(w.getShape().add(1).add(1)) : w);
        });
        assertThat(written.keySet().equals(parameters.keySet())).isEqualTo(!olderNames);
        write(written);
    }

    private void write(Map<String, NDArray> weights) throws IOException {
        Safetensors.write(folder.resolve(AutoencoderFiles.WEIGHTS), weights, Map.of());
    }

    /** Two files and an index in place of one. */
    private void shard(Path directory) throws IOException {
        Map<String, String> weightMap = new LinkedHashMap<>();
        List<Map<String, NDArray>> shards = List.of(new LinkedHashMap<>(), new LinkedHashMap<>());
        parameters.forEach((name, w) -> {
            int shard = weightMap.size() % 2;
            shards.get(shard).put(name, w);
            weightMap.put(name, "part-" + shard + ".safetensors");
        });
        for (int i = 0; i < shards.size(); i++) {
            Safetensors.write(directory.resolve("part-" + i + ".safetensors"), shards.get(i), Map.of());
        }
        JSON.writeValue(directory.resolve(INDEX).toFile(), Map.of("metadata", Map.of(), "weight_map", weightMap));
        Files.delete(directory.resolve(AutoencoderFiles.WEIGHTS));
    }

    /** What torch.save writes, with all numbers moved by {@code shift}. */
    private void writeBin(Path directory, float shift) throws IOException {
        PickleBytes pickle = new PickleBytes()
                .op(0x80, 2)
                .global("collections", "OrderedDict")
                .op(")R(");
        Map<String, byte[]> storages = new LinkedHashMap<>();
        for (Map.Entry<String, NDArray> parameter : parameters.entrySet()) {
            NDArray w = parameter.getValue();
            String key = Integer.toString(storages.size());
            long[] shape = w.getShape().getShape();
            long[] strides = new long[shape.length];
            long stride = 1;
            for (int i = shape.length - 1; i >= 0; i--) {
                strides[i] = stride;
                stride *= shape[i];
            }
            pickle.text(parameter.getKey()).tensor("FloatStorage", key, w.size(), 0, shape, strides);
            storages.put(key, w.add(shift).toByteArray());
        }
        PickleBytes.zip(directory.resolve(BIN), pickle.op("u.").bytes(), storages);
    }
}
