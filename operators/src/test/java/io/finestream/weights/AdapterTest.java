package io.finestream.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.finestream.TinyModel;
import io.finestream.dit.ComputeType;
import io.finestream.dit.DiTParameters;
import io.finestream.dit.Label;
import io.finestream.dit.Taxonomy;
import io.finestream.torch.TorchOps;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Adapters of {@link TinyModel}; what every adapter must fit is tested with the command that takes one. */
class AdapterTest {

    private final NDManager manager = TorchOps.newManager(Device.cpu());
    private final TorchOps ops = TorchOps.load(manager);

    @TempDir
    Path folder;

    private ModelFiles base;
    private ModelConfig config;
    private Map<String, NDArray> weights;

    @BeforeEach
    void writeModel() throws IOException {
        TorchOps.prepareThread(1, false);
        base = ModelFiles.in(TinyModel.write(folder.resolve("tiny"), 1));
        config = ModelConfig.read(base.config());
        weights = DiTWeights.in(Safetensors.open(base.weights()), config.dit()).readAll(ops, manager);
    }

    @AfterEach
    void close() {
        manager.close();
    }

    @Test
    void anAdapterMayBringGammas() throws IOException {
        Map<String, NDArray> gammas = DiTParameters.initialGammas(manager, config.dit(), 1);
        assertThat(forward(adapted(gammas, base))).isEqualTo(forward(base));
        gammas.replaceAll((name, ones) -> ones.mul(0.5));
        assertThat(forward(adapted(gammas, base))).isNotEqualTo(forward(base));
    }

    @Test
    void anAdapterMayBringClassesWithTheirTaxonomy() throws IOException {
        ModelFiles grown = base.withTaxonomy(taxonomyWithOneMore());
        Map<String, NDArray> tables = DiTParameters.grow(manager, weights, config.dit(), taxonomy(grown));
        tables.keySet().retainAll(List.of(DiTParameters.SUBCLASS_TABLE));
        ModelFiles adapted = adapted(tables, grown);
        assertThat(forward(adapted)).isEqualTo(forward(base));
        try (GenerativeModel loaded = GenerativeModel.load(adapted, Device.cpu(), ComputeType.FP32)) {
            assertThat(loaded.config().dit().subclasses()).isEqualTo(TinyModel.CLASSES + 1);
            assertThat(loaded.taxonomy().subclass("one more")).isEqualTo(TinyModel.CLASSES);
        }
    }

    @Test
    void aTaxonomyWithClassesThatTheAdapterDoesNotBringIsRefused() throws IOException {
        Map<String, NDArray> bias = new LinkedHashMap<>(weights);
        bias.keySet().retainAll(List.of("x_embedder.proj.bias"));
        ModelFiles adapted = adapted(bias, base.withTaxonomy(taxonomyWithOneMore()));
        assertThatExceptionOfType(WeightsException.class)
                .isThrownBy(() -> forward(adapted))
                .withMessageContaining("it lacks " + DiTParameters.SUBCLASS_TABLE + " as (7, 48)");
    }

    @Test
    void theAdapterOfAnotherBaseIsRefusedWithBothHashes() throws IOException {
        ModelFiles adapted = adapted(DiTParameters.initialGammas(manager, config.dit(), 1), base);
        ModelFiles other = ModelFiles.in(TinyModel.write(folder.resolve("other"), 2))
                .withAdapter(folder.resolve("adapter.safetensors"));
        assertThatExceptionOfType(WeightsException.class)
                .isThrownBy(() -> forward(other))
                .withMessageContaining("trained on base " + Adapter.shortened(adapted.weightsHash()))
                .withMessageContaining("this model is " + Adapter.shortened(other.weightsHash()));
        assertThat(Adapter.base(folder.resolve("adapter.safetensors"))).contains(base.weightsHash());
    }

    private ModelFiles adapted(Map<String, NDArray> tuned, ModelFiles files) throws IOException {
        Path file = folder.resolve("adapter.safetensors");
        Adapter.write(file, tuned, "some", files.weightsHash());
        return files.withAdapter(file);
    }

    private Path taxonomyWithOneMore() throws IOException {
        Path file = folder.resolve("more.json");
        ModelConfig.writeTaxonomy(file, taxonomy(base).plus(List.of(new Taxonomy.ClassName("square", "one more"))));
        return file;
    }

    private static Taxonomy taxonomy(ModelFiles files) throws IOException {
        return ModelConfig.readTaxonomy(files.taxonomy());
    }

    private static float[] forward(ModelFiles files) throws IOException {
        try (GenerativeModel model = GenerativeModel.load(files, Device.cpu(), ComputeType.FP32);
                NDManager m = model.newManager()) {
            return model.diffusion()
                    .dit()
                    .forward(
                            m,
                            m.ones(new Shape(2, 3, 8, 8)),
                            new int[] {7, 700},
                            List.of(Label.subclass(3), Label.superclass(1)))
                    .toFloatArray();
        }
    }
}
