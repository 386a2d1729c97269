package io.finestream.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.finestream.Golden;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TensorFileTest {

    private static final Golden GOLDEN = new Golden();
    private static final String INDEX = "model.safetensors.index.json";
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    Path folder;

    @AfterAll
    static void close() {
        GOLDEN.close();
    }

    @Test
    void theContentDecidesTheFormatAndNotTheName() throws IOException {
        Path safetensors = Files.copy(Golden.file("dit.safetensors"), folder.resolve("a.pt"));
        Path checkpoint = Files.copy(Golden.file("dit-state-dict.pt"), folder.resolve("a.safetensors"));
        assertThat(TensorFile.open(safetensors)).isInstanceOf(Safetensors.class);
        assertThat(TensorFile.open(checkpoint)).isInstanceOf(PyTorchCheckpoint.class);
        assertThat(TensorFile.open(shards())).isInstanceOf(ShardedSafetensors.class);
    }

    @Test
    void shardsAreTheSameAsOneFile() throws IOException {
        TensorFile whole = Safetensors.open(Golden.file("dit.safetensors"));
        Path index = shards();
        for (Path path : List.of(index, folder)) {
            TensorFile sharded = TensorFile.open(path);
            assertThat(sharded.names()).containsExactlyElementsOf(whole.names());
            assertThat(sharded.metadata()).isEqualTo(Map.of("total_size", "7"));
            assertThat(sharded.files())
                    .containsExactly(
                            index,
                            folder.resolve("model-0.safetensors"),
                            folder.resolve("model-1.safetensors"),
                            folder.resolve("model-2.safetensors"));
            for (String name : whole.names()) {
                assertThat(sharded.map(GOLDEN.ops, GOLDEN.manager, name).toByteBuffer())
                        .isEqualTo(whole.map(GOLDEN.ops, GOLDEN.manager, name).toByteBuffer());
            }
        }
    }

    @Test
    void aModelsHashCoversEveryShard() throws IOException {
        Path index = shards();
        ModelFiles files = new ModelFiles(index, index, index, folder, null, PyTorchCheckpoint.Part.EMA, false);
        String before = files.weightsHash();
        Path shard = folder.resolve("model-1.safetensors");
        byte[] bytes = Files.readAllBytes(shard);
        bytes[bytes.length - 1] ^= 1;
        Files.write(shard, bytes);
        assertThat(files.weightsHash()).isNotEqualTo(before).hasSize(64);
    }

    @Test
    void aMissingShardIsRefusedWithItsName() throws IOException {
        Path index = shards();
        Files.delete(folder.resolve("model-1.safetensors"));
        refused(
                index,
                "there is no file " + folder.resolve("model-1.safetensors").toAbsolutePath() + ", which " + INDEX);
    }

    @Test
    void aTensorThatItsShardLacksIsRefused() throws IOException {
        shards();
        refused(
                index(Map.of("pos_embed", "model-1.safetensors")),
                "model-1.safetensors has tensor 'pos_embed', which it has not");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"../dit.safetensors", "/etc/passwd", "a/b", "a\\b", "..", ".", "", "C:x", "a\u0000b", "a\nb"})
    void aShardElsewhereIsRefused(String shard) throws IOException {
        refused(index(Map.of("pos_embed", shard)), "expected the name of a file beside it");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{",
                "{}",
                "{\"weight_map\":[]}",
                "{\"weight_map\":{}}",
                "{\"weight_map\":{\"a\":5}}",
                "{\"weight_map\":{\"a\":\"x\",\"a\":\"y\"}}",
                "{\"weight_map\":{\"a\":\"x\"}} {}"
            })
    void abrokenIndexIsRefused(String json) throws IOException {
        refused(Files.writeString(folder.resolve(INDEX), json), "not a whole index of safetensors");
    }

    @Test
    void aDirectoryWithoutOneIndexIsRefused() throws IOException {
        refused(folder, "0 files *.safetensors.index.json, expected one");
    }

    @Test
    void whatWasDownloadedInsteadOfAFileIsNamed() throws IOException {
        Path file = folder.resolve("model.safetensors");
        refused(
                Files.writeString(file, "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 2715000\n"),
                "is a pointer of Git LFS");
        refused(Files.writeString(file, "\n<!DOCTYPE html><html></html>"), "is a page of HTML or XML");
        refused(Files.writeString(file, "something else"), "not a whole safetensors file");
        refused(Files.writeString(file, ""), "it has 0 bytes");
        assertThatExceptionOfType(WeightsException.class)
                .isThrownBy(() -> TensorFile.open(folder.resolve("nowhere")))
                .withMessageContaining("there is no file");
    }

    @Test
    void oneErrorListsTheProblemsWithTheNearestNames() throws IOException {
        Path file = folder.resolve("names.safetensors");
        Map<String, NDArray> tensors = new LinkedHashMap<>();
        tensors.put("blocks.0.attn.qkv.wieght", GOLDEN.manager.create(1f));
        tensors.put("blocks.1.attn.qkv.weight", GOLDEN.manager.create(1f));
        tensors.put("pos_embed", GOLDEN.manager.create(new float[] {1, 2}));
        Safetensors.write(file, tensors, Map.of());
        Map<String, Shape> expected = new LinkedHashMap<>();
        expected.put("blocks.0.attn.qkv.weight", new Shape());
        expected.put("blocks.1.attn.qkv.weight", new Shape());
        expected.put("pos_embed", new Shape(3));
        expected.put("y_embedder.table", new Shape());
        TensorFile opened = TensorFile.open(file);
        assertThatExceptionOfType(WeightsException.class)
                .isThrownBy(() -> opened.requireTensors(expected, name -> false))
                .withMessageContaining("missing blocks.0.attn.qkv.weight (did you mean blocks.0.attn.qkv.wieght?); "
                        + "pos_embed is (2), expected (3); missing y_embedder.table; "
                        + "unexpected blocks.0.attn.qkv.wieght; check config.json");
    }

    @Test
    void anErrorListsTwentyProblemsAndCountsTheRest() throws IOException {
        TensorFile file = TensorFile.open(Golden.file("dit.safetensors"));
        assertThatExceptionOfType(WeightsException.class)
                .isThrownBy(() -> file.requireTensors(Map.of("other", new Shape()), name -> false))
                .withMessageContaining("missing other; unexpected pos_embed;")
                .withMessageContaining("; and 23 more; check config.json");
    }

    private static void refused(Path file, String complaint) {
        assertThatExceptionOfType(WeightsException.class)
                .isThrownBy(() -> TensorFile.open(file))
                .withMessageContaining(complaint);
    }

    /** The golden network in three files. */
    private Path shards() throws IOException {
        TensorFile whole = TensorFile.open(Golden.file("dit.safetensors"));
        List<Map<String, NDArray>> shards =
                List.of(new LinkedHashMap<>(), new LinkedHashMap<>(), new LinkedHashMap<>());
        Map<String, String> weightMap = new LinkedHashMap<>();
        for (String name : new ArrayList<>(whole.names())) {
            int shard = weightMap.size() % shards.size();
            shards.get(shard).put(name, whole.map(GOLDEN.ops, GOLDEN.manager, name));
            weightMap.put(name, "model-" + shard + ".safetensors");
        }
        for (int i = 0; i < shards.size(); i++) {
            Safetensors.write(folder.resolve("model-" + i + ".safetensors"), shards.get(i), Map.of());
        }
        return index(weightMap);
    }

    private Path index(Map<String, String> weightMap) throws IOException {
        String json = JSON.writeValueAsString(Map.of("metadata", Map.of("total_size", 7), "weight_map", weightMap));
        return Files.write(folder.resolve(INDEX), json.getBytes(StandardCharsets.UTF_8));
    }
}
