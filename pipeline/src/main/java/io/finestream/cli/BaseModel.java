package io.finestream.cli;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.finestream.dit.DiTParameters;
import io.finestream.dit.Taxonomy;
import io.finestream.torch.TorchOps;
import io.finestream.tuning.TuningStrategy;
import io.finestream.weights.Adapter;
import io.finestream.weights.DiTWeights;
import io.finestream.weights.GenerativeModel;
import io.finestream.weights.ModelChoice;
import io.finestream.weights.ModelConfig;
import io.finestream.weights.ModelFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A model that is trained further.
 *
 * @param taxonomy its classes
 */
record BaseModel(ModelFiles files, ModelConfig config, Taxonomy taxonomy) {

    /** In the directory of the model that it became: what was tuned, alone. */
    static final String ADAPTER = "adapter.safetensors";

    static BaseModel open(String nameOrPath) throws IOException {
        ModelFiles files = ModelChoice.of(nameOrPath).locate();
        ModelConfig config = files.readConfig();
        return new BaseModel(files, config, files.readTaxonomy(config));
    }

    @Nullable
    Path autoencoder() {
        return config.codec().equals(ModelConfig.AUTOENCODER) ? files.autoencoder() : null;
    }

    /**
     * Its parameters, with rows for the classes that it does not have yet.
     *
     * @param classes its own, and new ones behind them
     */
    Map<String, NDArray> parameters(TorchOps ops, NDManager manager, Taxonomy classes) throws IOException {
        Map<String, NDArray> parameters =
                DiTWeights.in(files.openWeights(), config.dit()).readAll(ops, manager);
        return DiTParameters.grow(manager, parameters, config.dit(), classes);
    }

    /**
     * What it becomes.
     *
     * @param name null for its own
     * @param guidance recommended scale; null for its own
     */
    ModelConfig config(@Nullable String name, @Nullable Double guidance, Taxonomy classes) {
        ModelConfig grown = config.withClasses(classes);
        return new ModelConfig(
                Objects.requireNonNullElse(name, grown.name()),
                grown.dit(),
                grown.prediction(),
                grown.schedule(),
                grown.codec(),
                new ModelConfig.Defaults(
                        Objects.requireNonNullElse(guidance, grown.defaults().guidanceScale()),
                        grown.defaults().guidedChannels()));
    }

    /** @throws IOException if {@code out} is this model itself, or has been tuned on another */
    void requireFit(Path out) throws IOException {
        Path weights = out.resolve(GenerativeModel.WEIGHTS);
        if (Files.exists(weights) && Files.isSameFile(weights, files.weights())) {
            throw new IOException(out + " is the model that is trained further; write to another directory");
        }
        Path adapter = out.resolve(ADAPTER);
        if (Files.exists(adapter) && !Adapter.base(adapter).equals(Optional.of(files.weightsHash()))) {
            throw new IOException(adapter + " was tuned on another model than " + files.weights()
                    + "; go on with that one, or write to another directory");
        }
    }

    void saveAdapter(Path out, Map<String, NDArray> tuned, TuningStrategy strategy) throws IOException {
        Adapter.write(out.resolve(ADAPTER), tuned, strategy.toString(), files.weightsHash());
    }
}
