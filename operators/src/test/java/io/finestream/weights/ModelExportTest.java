package io.finestream.weights;

import static io.finestream.Golden.assertClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.finestream.Golden;
import io.finestream.diffusion.NoiseSchedule;
import io.finestream.diffusion.PredictionType;
import io.finestream.dit.ComputeType;
import io.finestream.dit.DiTConfig;
import io.finestream.dit.DiTParameters;
import io.finestream.dit.Label;
import io.finestream.dit.Taxonomy;
import io.finestream.tuning.TuningStrategy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** On the small FineDiffusion network, whose norms are affine, and on one with DiffFit's scales besides. */
class ModelExportTest {

    private static final String FORWARD = "forward.safetensors";
    private static final Golden GOLDEN = new Golden();
    private static final Taxonomy CLASSES = new Taxonomy(
            List.of("a", "b", "c"),
            IntStream.range(0, 12)
                    .mapToObj(i -> new Taxonomy.Subclass("class " + i, i % 3))
                    .toList());

    @TempDir
    static Path shared;

    private static Path model;

    @TempDir
    private Path directory;

    @BeforeAll
    static void write() throws IOException {
        model = shared.resolve("model");
        save(model, GOLDEN.weights());
    }

    private static void save(Path to, Map<String, NDArray> weights) throws IOException {
        ModelConfig config = new ModelConfig(
                "golden",
                Golden.CONFIG,
                PredictionType.EPSILON,
                NoiseSchedule.DIT,
                ModelConfig.AUTOENCODER,
                new ModelConfig.Defaults(4, 3));
        GenerativeModel.save(to, config, CLASSES, weights);
        Path vae = Files.createDirectories(to.resolve("vae"));
        for (String name : List.of("config.json", "diffusion_pytorch_model.safetensors")) {
            Files.copy(Golden.file("vae/" + name), vae.resolve(name));
        }
    }

    @AfterAll
    static void close() {
        GOLDEN.close();
    }

    @Test
    void aDirectoryIsTheSameModel() throws IOException {
        export(ModelFiles.in(model)).writeDirectory(directory, TensorType.F32);
        assertThat(Files.mismatch(directory.resolve("model.safetensors"), model.resolve("model.safetensors")))
                .isEqualTo(-1);
        assertForward(ModelFiles.in(directory), 1e-5);
    }

    @Test
    void theOriginalsFileHasItsTensorsToTheBit() throws IOException {
        for (String name : List.of("model.pt", "original.safetensors")) {
            Path file = directory.resolve(name);
            List<String> told = new ArrayList<>();
            export(ModelFiles.in(model))
                    .listener((tensors, of) -> told.add(tensors + " of " + of))
                    .writeOriginal(file, TensorType.F32);
            TensorFile written = TensorFile.open(file);
            int count = written.names().size();
            assertThat(told).hasSize(count).startsWith("1 of " + count).endsWith(count + " of " + count);
            TensorFile original = TensorFile.open(Golden.file("dit.safetensors"));
            assertThat(written.names()).containsExactlyInAnyOrderElementsOf(original.names());
            for (String tensor : original.names()) {
                assertThat(written.tensor(tensor).hasSameBytes(original.tensor(tensor)))
                        .as(tensor)
                        .isTrue();
            }
        }
    }

    @Test
    void affineNormsAreFoldedIntoAPlainDiT() throws IOException {
        export(ModelFiles.in(model)).fold().writeDirectory(directory, TensorType.F32);
        assertThat(TensorFile.open(directory.resolve("model.safetensors")).names())
                .noneMatch(name -> name.contains("norm"));
        assertForward(ModelFiles.in(directory), 1e-5);
    }

    @Test
    void aPipelineOfDiffusersIsTheSameModel() throws IOException {
        export(ModelFiles.in(model)).writeDiffusers(directory, TensorType.F32);
        ModelFiles pipeline = ModelFiles.in(directory);
        assertThat(pipeline.readConfig().dit()).isEqualTo(Golden.CONFIG);
        assertForward(pipeline, 1e-5);
        Files.delete(directory.resolve("taxonomy.json")); // as diffusers knows it: 15 rows for 12 labels
        assertThatThrownBy(() -> pipeline(directory).readConfig()).hasMessageContaining("label table of 15 rows");
    }

    private static ModelFiles pipeline(Path directory) throws IOException {
        return ModelFiles.in(directory);
    }

    @Test
    void whatDiffusersWroteIsWrittenTheSame() throws IOException {
        Path source = Files.createDirectory(directory.resolve("source"));
        for (String name : List.of("config.json", "diffusion_pytorch_model.safetensors")) {
            Files.copy(Golden.file("diffusers-layout/" + name), source.resolve(name));
        }
        ModelConfig.writeTaxonomy(source.resolve("taxonomy.json"), CLASSES);
        Path target = directory.resolve("target");
        export(ModelFiles.in(source)).writeDiffusers(target, TensorType.F32);
        TensorFile written = TensorFile.open(target.resolve("transformer/diffusion_pytorch_model.safetensors"));
        TensorFile read = TensorFile.open(source.resolve("diffusion_pytorch_model.safetensors"));
        assertThat(written.names()).containsExactlyInAnyOrderElementsOf(read.names());
        for (String tensor : read.names()) {
            assertThat(written.tensor(tensor).hasSameBytes(read.tensor(tensor)))
                    .as(tensor)
                    .isTrue();
        }
    }

    @Test
    void scalesOfDiffFitAreFolded() throws IOException {
        Map<String, NDArray> weights = new LinkedHashMap<>(GOLDEN.weights());
        DiTParameters.gammaShapes(Golden.CONFIG, 2)
                .forEach((name, shape) -> weights.put(name, GOLDEN.manager.randomUniform(0.5f, 1.5f, shape)));
        Path scaled = directory.resolve("scaled");
        save(scaled, weights);
        export(ModelFiles.in(scaled)).fold().writeDirectory(directory.resolve("folded"), TensorType.F32);
        try (NDManager m = GOLDEN.manager.newSubManager()) {
            assertClose(
                    "folded",
                    forward(ModelFiles.in(directory.resolve("folded")), m),
                    forward(ModelFiles.in(scaled), m),
                    1e-5);
        }
    }

    @Test // measured: 3.2e-3, of the rounding of the weights alone; the arithmetic is float32
    void halfTheBytesAreNearlyTheSameModel() throws IOException {
        export(ModelFiles.in(model)).writeDirectory(directory, TensorType.BF16);
        assertThat(Files.size(directory.resolve("model.safetensors")))
                .isLessThan(Files.size(model.resolve("model.safetensors")) * 6 / 10);
        assertForward(ModelFiles.in(directory), 1e-2);
        try (GenerativeModel half = GenerativeModel.load(directory, Device.cpu(), ComputeType.BF16);
                GenerativeModel whole = GenerativeModel.load(model, Device.cpu(), ComputeType.BF16);
                NDManager m = GOLDEN.manager.newSubManager()) {
            assertClose("rounded when it was written or read", forward(half, m), forward(whole, m), 1e-2);
        }
    }

    @Test
    void whatWasTunedIsSplitOffForABaseWithOtherClasses() throws IOException {
        Path base = directory.resolve("base");
        plainBase(base);
        Path adapter = directory.resolve("adapter.safetensors");
        ModelExport full = export(ModelFiles.in(model));
        full.writeAdapter(adapter, TuningStrategy.FINE_DIFFUSION.trainable(full.parameters()), ModelFiles.in(base));
        ModelFiles both = ModelFiles.in(base).withAdapter(adapter);
        assertForward(both, 1e-5);
        try (GenerativeModel loaded = GenerativeModel.load(both, Device.cpu(), ComputeType.FP32)) {
            assertThat(loaded.taxonomy().subclasses()).isEqualTo(CLASSES.subclasses());
        }
    }

    @Test
    void anAdapterForABaseOfOtherWeightsIsRefused() throws IOException {
        Path base = directory.resolve("base");
        plainBase(base);
        ModelExport full = export(ModelFiles.in(model));
        assertThatThrownBy(() -> full.writeAdapter(
                        directory.resolve("adapter.safetensors"),
                        TuningStrategy.BIT_FIT.trainable(full.parameters()),
                        ModelFiles.in(base)))
                .isInstanceOf(WeightsException.class)
                .hasMessageContaining("norm1.weight of")
                .hasMessageContaining("is not that of");
    }

    /** The network before it was tuned: no affine norms, ten other classes and a null label. */
    private static void plainBase(Path to) throws IOException {
        Map<String, NDArray> weights = new LinkedHashMap<>(GOLDEN.weights());
        weights.keySet().removeIf(name -> name.contains("norm"));
        weights.remove(DiTParameters.SUBCLASS_TABLE);
        weights.remove(DiTParameters.SUPERCLASS_TABLE);
        weights.put(DiTParameters.REFERENCE_TABLE, GOLDEN.manager.ones(new Shape(11, 48)));
        DiTConfig dit = Golden.CONFIG.withLabels(10, 0, true);
        ModelConfig config = new ModelConfig(
                "base", dit, PredictionType.EPSILON, NoiseSchedule.DIT, "vae", new ModelConfig.Defaults(4, 3));
        GenerativeModel.save(to, config, KnownTaxonomies.numbered("all", "class ", 10), weights);
        Path vae = Files.createDirectories(to.resolve("vae"));
        for (String name : List.of("config.json", "diffusion_pytorch_model.safetensors")) {
            Files.copy(Golden.file("vae/" + name), vae.resolve(name));
        }
    }

    private static ModelExport export(ModelFiles files) throws IOException {
        return ModelExport.of(GOLDEN.ops, GOLDEN.manager, files);
    }

    private static NDArray forward(ModelFiles files, NDManager m) throws IOException {
        try (GenerativeModel loaded = GenerativeModel.load(files, Device.cpu(), ComputeType.FP32)) {
            return forward(loaded, m);
        }
    }

    private static NDArray forward(GenerativeModel loaded, NDManager m) throws IOException {
        List<Label> labels = Arrays.stream(GOLDEN.ints(FORWARD, "y"))
                .mapToObj(y -> y < 12 ? Label.subclass(y) : Label.superclass(y - 12))
                .toList();
        NDArray out =
                loaded.diffusion().dit().forward(m, GOLDEN.tensor(FORWARD, "x"), GOLDEN.ints(FORWARD, "t"), labels);
        return m.create(out.toFloatArray(), out.getShape());
    }

    private static void assertForward(ModelFiles files, double tolerance) throws IOException {
        try (NDManager m = GOLDEN.manager.newSubManager()) {
            assertClose("forward", forward(files, m), GOLDEN.tensor(FORWARD, "out"), tolerance);
        }
    }
}
