package io.finestream.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.finestream.TinyModel;
import io.finestream.diffusion.NoiseSchedule;
import io.finestream.diffusion.PredictionType;
import io.finestream.dit.ComputeType;
import io.finestream.dit.DiTConfig;
import io.finestream.dit.DiTParameters;
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
        try (NDManager m = model.newManager()) {
            NDArray x = m.ones(new Shape(2, 3, 8, 8));
            List<Label> labels = List.of(Label.subclass(3), Label.superclass(1));
            return model.diffusion()
                    .dit()
                    .forward(m, x, new int[] {7, 700}, labels)
                    .toFloatArray();
        }
    }
}
