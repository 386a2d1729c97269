package io.finestream.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.finestream.Golden;
import io.finestream.TinyModel;
import io.finestream.diffusion.DiffusionModel;
import io.finestream.diffusion.NoiseSchedule;
import io.finestream.diffusion.PredictionType;
import io.finestream.dit.ComputeType;
import io.finestream.dit.DiTConfig;
import io.finestream.dit.DiTParameters;
import io.finestream.dit.Kernels;
import io.finestream.dit.Label;
import io.finestream.dit.Taxonomy;
import io.finestream.torch.TorchOps;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.ThrowableAssertAlternative;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class GenerativeModelTest {

    @TempDir
    Path folder;

    private Path model;

    @BeforeAll
    static void prepareThread() {
        TorchOps.prepareThread(1, false);
    }

    @BeforeEach
    void writeModel() {
        model = TinyModel.write(folder.resolve("tiny"), 1);
    }

    @Test
    void whatIsSavedIsLoaded() throws IOException {
        Taxonomy taxonomy = new Taxonomy(List.of("round", "square"), List.of(new Taxonomy.Subclass("größer", 1)));
        DiTConfig dit = new DiTConfig(8, 4, 3, 32, 1, 2, 1, 2, true);
        NoiseSchedule schedule = new NoiseSchedule(500, 2e-4, 0.03);
        ModelConfig config = new ModelConfig(
                "saved", dit, PredictionType.EPSILON, schedule, "pixel", new ModelConfig.Defaults(2.5, 1));
        try (NDManager manager = TorchOps.newManager(Device.cpu())) {
            Map<String, NDArray> weights = DiTParameters.initialise(manager, dit);
            GenerativeModel.save(folder.resolve("new/saved"), config, taxonomy, weights);
        }
        try (GenerativeModel loaded = load(folder.resolve("new/saved"))) {
            assertThat(loaded.config()).isEqualTo(config);
            assertThat(loaded.taxonomy().superclasses()).isEqualTo(taxonomy.superclasses());
            assertThat(loaded.taxonomy().subclasses()).isEqualTo(taxonomy.subclasses());
            assertThat(loaded.diffusion().schedule()).isEqualTo(schedule);
            assertThat(loaded.diffusion().prediction()).isEqualTo(PredictionType.EPSILON);
            assertThat(loaded.imageSize()).isEqualTo(8);
        }
    }

    @Test
    void packedWeightsComputeTheSameAndThePlainOnesAreReadWhenAsked() throws IOException {
        try (GenerativeModel plain = load(model);
                GenerativeModel packed = GenerativeModel.load(
                        ModelFiles.in(model), Device.cpu(), ComputeType.FP32, Kernels.parse("fused-packed"));
                NDManager m = plain.newManager()) {
            NDArray x = m.randomNormal(new Shape(1, 3, 8, 8));
            int[] t = {500};
            List<Label> labels = List.of(Label.subclass(1));
            NDArray expected = plain.diffusion().dit().forward(m, x, t, labels);
            NDArray out = packed.diffusion().dit().forward(m, x, t, labels);
            assertThat(out.sub(expected).norm().div(expected.norm()).getFloat()).isLessThan(1e-5f);
            assertThat(packed.parameters())
                    .isNotEmpty()
                    .allSatisfy((name, tensor) ->
                            assertThat(tensor).isEqualTo(plain.parameters().get(name)));
        }
    }

    @ParameterizedTest
    @EnumSource
    void sameFilesGiveTheSameNetworkAndHashAndOthersDoNot(ComputeType type) throws IOException {
        Path copy = TinyModel.write(folder.resolve("copy"), 1);
        Path other = TinyModel.write(folder.resolve("other"), 2);
        try (GenerativeModel a = GenerativeModel.load(model, Device.cpu(), type);
                GenerativeModel b = GenerativeModel.load(copy, Device.cpu(), type);
                GenerativeModel c = GenerativeModel.load(other, Device.cpu(), type)) {
            assertThat(forward(a)).isEqualTo(forward(b)).isNotEqualTo(forward(c));
            assertThat(a.baseHash())
                    .matches("[0-9a-f]{64}")
                    .isEqualTo(b.baseHash())
                    .isNotEqualTo(c.baseHash());
        }
    }

    @ParameterizedTest
    @EnumSource
    void tunedTensorsAreUsedInPlaceOfTheModelsWhichStayAsTheyAre(ComputeType type) throws IOException {
        try (GenerativeModel loaded = GenerativeModel.load(model, Device.cpu(), type);
                NDManager m = loaded.newManager()) {
            float[] before = forward(loaded);
            Map<String, NDArray> tuned = Map.of("blocks.0.attn.qkv.bias", m.ones(new Shape(144)));
            DiffusionModel version = loaded.tuned(m, "version 1", tuned, loaded.taxonomy());
            assertThat(forward(loaded, version)).isNotEqualTo(before);
            Map<String, NDArray> same = Map.of(
                    "blocks.0.attn.qkv.bias",
                    m.create(loaded.parameters().get("blocks.0.attn.qkv.bias").toFloatArray()));
            assertThat(forward(loaded, loaded.tuned(m, "version 2", same, loaded.taxonomy())))
                    .isEqualTo(before);
            assertThat(forward(loaded)).isEqualTo(before);
        }
    }

    @Test
    void anAutoencoderWithOtherChannelsThanTheNetworkIsRefused() throws IOException {
        Path config = model.resolve(GenerativeModel.CONFIG);
        Files.writeString(config, Files.readString(config).replace("\"pixel\"", "\"vae\""));
        AutoencoderFiles.copy(Golden.file("vae"), model.resolve(ModelConfig.AUTOENCODER));
        assertThatExceptionOfType(WeightsException.class)
                .isThrownBy(() -> load(model))
                .withMessageContaining("in_channels of the network is 3")
                .withMessageContaining("latents of its codec 'vae' have 4 channels");
    }

    @Test
    void classesWithoutRowsAreRefused() throws IOException {
        try (GenerativeModel loaded = load(model);
                NDManager m = loaded.newManager()) {
            Taxonomy more = loaded.taxonomy().plus(List.of(new Taxonomy.ClassName("round", "new")));
            assertThatExceptionOfType(WeightsException.class)
                    .isThrownBy(() -> loaded.tuned(m, "version 1", Map.of(), more))
                    .withMessageContaining("version 1 does not fit the model")
                    .withMessageContaining(DiTParameters.SUBCLASS_TABLE + " is (6, 48), the model's is (7, 48)");
        }
    }

    @Test
    void anAdapterMayAddClasses() throws IOException {
        Path file = Adapter.file(folder, 3);
        assertThat(file).hasFileName("adapter-3.safetensors");
        List<Taxonomy.ClassName> added = List.of(new Taxonomy.ClassName("round", "new"));
        try (GenerativeModel base = load(model);
                NDManager m = base.newManager()) {
            Map<String, NDArray> tensors = Map.of(DiTParameters.SUBCLASS_TABLE, m.ones(new Shape(7, 48)));
            Adapter.write(file, tensors, new Adapter.Origin(base.baseHash(), 3, added));
        }
        assertThat(Adapter.origin(Safetensors.open(file)).version()).isEqualTo(3);
        try (GenerativeModel tuned =
                GenerativeModel.load(ModelFiles.in(model).withAdapter(file), Device.cpu(), ComputeType.FP32)) {
            assertThat(tuned.taxonomy().subclass("new")).isEqualTo(6);
            assertThat(tuned.config().dit().subclasses()).isEqualTo(7);
            assertThat(tuned.diffusion().config().subclasses()).isEqualTo(7);
        }
    }

    @Test
    void anAdapterOfAnotherBaseIsRefused() throws IOException {
        Path file = folder.resolve("adapter.safetensors");
        try (NDManager m = TorchOps.newManager(Device.cpu())) {
            Map<String, NDArray> tensors = Map.of("blocks.0.attn.qkv.bias", m.ones(new Shape(144)));
            Adapter.write(file, tensors, new Adapter.Origin("3fa1".repeat(16), 17, List.of()));
        }
        assertThatExceptionOfType(WeightsException.class)
                .isThrownBy(() ->
                        GenerativeModel.load(ModelFiles.in(model).withAdapter(file), Device.cpu(), ComputeType.FP32))
                .withMessageContaining("was trained on base 3fa13fa13fa1…, this model is ")
                .withMessageContaining("use it with the base model");
    }

    @ParameterizedTest
    @ValueSource(strings = {"config.json", "taxonomy.json", "model.safetensors"})
    void missingFileIsNamed(String file) throws IOException {
        Files.delete(model.resolve(file));
        assertRefused().withMessageContaining("there is no file " + model.resolve(file));
    }

    @Test
    void missingDirectoryIsNamedWithWhatItShouldHold() {
        assertThatExceptionOfType(WeightsException.class)
                .isThrownBy(() -> load(folder.resolve("nowhere")))
                .withMessageContaining(folder.resolve("nowhere").toString())
                .withMessageContaining("config.json, taxonomy.json and model.safetensors");
    }

    @Test
    void taxonomyOfAnotherModelIsRefused() throws IOException {
        Files.writeString(
                model.resolve("taxonomy.json"),
                "{\"superclasses\": [\"a\"], \"subclasses\": [{\"name\": \"b\", \"superclass\": 0}]}");
        assertRefused()
                .withMessageContaining("taxonomy.json has 1 subclasses in 1 superclasses")
                .withMessageContaining("config.json says 6 in 2");
    }

    @Test
    void weightsOfAnotherSizeAreRefused() throws IOException {
        replace("config.json", "\"hidden_size\" : 48", "\"hidden_size\" : 64");
        assertRefused()
                .withMessageContaining("model.safetensors")
                .withMessageContaining("x_embedder.proj.bias is (48), expected (64)");
    }

    @ParameterizedTest
    @CsvSource({
        "'\"hidden_size\" : 48', '\"hidden_size\" : 47', hidden size is 47",
        "'\"patch_size\" : 2', '\"patch_size\" : 3', a multiple of the patch size 3",
        "'\"codec\" : \"pixel\"', '\"codec\" : \"jpeg\"', codec 'jpeg' is unknown",
        "'\"v_prediction\"', '\"sample\"', sample",
        "'\"timesteps\" : 1000', '\"timesteps\" : 1', noise schedule of 1 timesteps",
        "'\"prediction\"', '\"predicts\"', creator property",
        "'{', '', config.json"
    })
    void badConfigurationIsRefused(String from, String to, String complaint) throws IOException {
        replace("config.json", from, to);
        assertRefused().withMessageContaining(complaint);
    }

    @ParameterizedTest
    @CsvSource({
        "'\"class 1\"', '\"CLASS 0\"', 'CLASS 0'' is there twice'",
        "'\"superclass\" : 1', '\"superclass\" : 2', names superclass 2",
        "'\"name\"', '\"title\"', creator property",
        "'[', '', taxonomy.json"
    })
    void badTaxonomyIsRefused(String from, String to, String complaint) throws IOException {
        replace("taxonomy.json", from, to);
        assertRefused().withMessageContaining("taxonomy.json").withMessageContaining(complaint);
    }

    private ThrowableAssertAlternative<WeightsException> assertRefused() {
        return assertThatExceptionOfType(WeightsException.class).isThrownBy(() -> load(model));
    }

    private void replace(String file, String from, String to) throws IOException {
        String text = Files.readString(model.resolve(file));
        assertThat(text).contains(from);
        Files.writeString(model.resolve(file), text.replace(from, to));
    }

    private static GenerativeModel load(Path directory) throws IOException {
        return GenerativeModel.load(directory, Device.cpu(), ComputeType.FP32);
    }

    private static float[] forward(GenerativeModel model) {
        return forward(model, model.diffusion());
    }

    private static float[] forward(GenerativeModel model, DiffusionModel network) {
        try (NDManager m = model.newManager()) {
            NDArray x = m.ones(new Shape(2, 3, 8, 8));
            List<Label> labels = List.of(Label.subclass(3), Label.superclass(1));
            return network.dit().forward(m, x, new int[] {7, 700}, labels).toFloatArray();
        }
    }
}
