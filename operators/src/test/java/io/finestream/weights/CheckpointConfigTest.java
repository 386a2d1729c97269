package io.finestream.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.finestream.Golden;
import io.finestream.diffusion.NoiseSchedule;
import io.finestream.diffusion.PredictionType;
import io.finestream.dit.ComputeType;
import io.finestream.dit.DiTConfig;
import io.finestream.dit.DiTParameters;
import io.finestream.dit.Label;
import io.finestream.dit.Taxonomy;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Checkpoints of published sizes, which say nothing of themselves; the numbers in them are zeros. */
class CheckpointConfigTest {

    private static final Golden GOLDEN = new Golden();

    @TempDir
    private Path directory;

    @AfterAll
    static void close() {
        GOLDEN.close();
    }

    @ParameterizedTest
    @CsvSource({
        "S/8, 256",
        "S/4, 256",
        "S/2, 256",
        "S/8, 512",
        "B/8, 256",
        "B/4, 512",
        "L/8, 256",
        "L/2, 256",
        "XL/8, 256",
        "XL/4, 256",
        "XL/2, 256",
        "XL/2, 512"
    })
    void theSizeIsReadOffTheTensors(String size, int imageSize) throws IOException {
        DiTConfig imageNet = DiTConfig.published(size, imageSize, 1000, 0, true);
        ModelConfig read = ModelFiles.in(write("DiT.safetensors", imageNet)).readConfig();
        assertThat(read.dit()).isEqualTo(imageNet);
        assertThat(read.name()).startsWith("DiT-" + size);
        assertThat(read.prediction()).isEqualTo(PredictionType.EPSILON);
        assertThat(read.schedule()).isEqualTo(NoiseSchedule.DIT);
        assertThat(read.dit().publishedSize()).contains(size);
    }

    @Test
    void theClassesOfINaturalistAreTold() throws IOException {
        DiTConfig species = DiTConfig.published("S/8", 256, 10_000, 11, false);
        ModelFiles files = ModelFiles.in(write("FineDiffusion-iNat.safetensors", species));
        assertThat(files.readConfig().dit()).isEqualTo(species);
        Taxonomy classes = files.readTaxonomy(files.readConfig());
        assertThat(classes.superclassName(classes.superclassOf(4219))).isEqualTo("Birds");
    }

    @Test
    void otherClassesAreAskedForAndTakenFromBesideTheFile() throws IOException {
        DiTConfig vegetables = DiTConfig.published("S/8", 256, 292, 25, false);
        Path file = write("FineDiffusion-VegFru.safetensors", vegetables);
        assertThatThrownBy(() -> ModelFiles.in(file).readConfig())
                .isInstanceOf(WeightsException.class)
                .hasMessageContaining("a label table of 317 rows")
                .hasMessageContaining("put their taxonomy.json beside it");
        List<String> superclasses = new ArrayList<>();
        List<Taxonomy.Subclass> subclasses = new ArrayList<>();
        for (int i = 0; i < 292; i++) {
            subclasses.add(new Taxonomy.Subclass("dish " + i, i % 25));
        }
        for (int i = 0; i < 25; i++) {
            superclasses.add("shelf " + i);
        }
        ModelConfig.writeTaxonomy(directory.resolve("taxonomy.json"), new Taxonomy(superclasses, subclasses));
        assertThat(ModelFiles.in(file).readConfig().dit()).isEqualTo(vegetables);
    }

    @Test
    void aSizeThatIsNotPublishedIsRefused() throws IOException {
        Path file = write("small.safetensors", new DiTConfig(8, 2, 4, 48, 2, 4, 1000, 0, true));
        assertThatThrownBy(() -> ModelFiles.in(file).readConfig())
                .isInstanceOf(WeightsException.class)
                .hasMessageContaining("2 blocks of width 48, which is none of the published sizes");
    }

    @Test
    void theAutoencoderIsLookedForBesideTheFile() throws IOException {
        Path file = write("DiT.safetensors", DiTConfig.published("S/8", 256, 1000, 0, true));
        assertThat(ModelFiles.in(file).autoencoder()).isEqualTo(directory.resolve("vae"));
        Path published = Files.createDirectory(directory.resolve("sd-vae-ft-mse"));
        assertThat(ModelFiles.in(file).autoencoder()).isEqualTo(published);
    }

    @Test
    void fiftyThousandClassesAreLoadedAndComputed() throws IOException {
        DiTConfig config = new DiTConfig(8, 2, 3, 48, 2, 4, 50_000, 100, false);
        List<Taxonomy.Subclass> subclasses = new ArrayList<>();
        List<String> superclasses = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            superclasses.add("group " + i);
        }
        for (int i = 0; i < 50_000; i++) {
            subclasses.add(new Taxonomy.Subclass("class " + i, i % 100));
        }
        GenerativeModel.save(
                directory,
                new ModelConfig(
                        "many",
                        config,
                        PredictionType.EPSILON,
                        NoiseSchedule.DIT,
                        ModelConfig.PIXEL,
                        new ModelConfig.Defaults(2, 3)),
                new Taxonomy(superclasses, subclasses),
                DiTParameters.initialise(GOLDEN.manager, config));
        try (GenerativeModel model = GenerativeModel.load(directory, Device.cpu(), ComputeType.FP32);
                NDManager m = model.newManager()) {
            assertThat(model.taxonomy().subclass("class 49999")).isEqualTo(49_999);
            assertThat(model.diffusion()
                            .dit()
                            .forward(
                                    m,
                                    m.randomNormal(new Shape(2, 3, 8, 8)),
                                    new int[] {900, 10},
                                    List.of(Label.subclass(49_999), Label.superclass(99)))
                            .toFloatArray())
                    .hasSize(2 * 6 * 64)
                    .doesNotContain(Float.NaN);
        }
    }

    /** Safetensors whose zeros are a hole in the file: it takes no disk, whatever the size. */
    private Path write(String name, DiTConfig config) throws IOException {
        Map<String, Shape> shapes = DiTParameters.shapes(config);
        shapes.keySet().removeIf(tensor -> tensor.contains("norm") || tensor.startsWith("y_embedder."));
        shapes.put(DiTParameters.REFERENCE_TABLE, DiTWeights.tableShape(config));
        ObjectNode header = new ObjectMapper().createObjectNode();
        long offset = 0;
        for (Map.Entry<String, Shape> tensor : shapes.entrySet()) {
            ObjectNode entry = header.putObject(tensor.getKey()).put("dtype", "F32");
            Arrays.stream(tensor.getValue().getShape()).forEach(entry.withArray("shape")::add);
            long end = offset + Float.BYTES * tensor.getValue().size();
            entry.withArray("data_offsets").add(offset).add(end);
            offset = end;
        }
        byte[] json = header.toString().getBytes(StandardCharsets.UTF_8);
        Path file = directory.resolve(name);
        try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
            out.writeLong(Long.reverseBytes(json.length));
            out.write(json);
            out.setLength(Long.BYTES + json.length + offset);
        }
        return file;
    }
}
