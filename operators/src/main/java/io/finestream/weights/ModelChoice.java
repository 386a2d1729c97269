package io.finestream.weights;

import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Which model is meant, in words that can be sent to another machine. Whoever loads it finds its files where it runs.
 *
 * @param model path of a directory or a checkpoint, or the name of a model that ships
 * @param weights file in place of the model's; null for its own
 * @param taxonomy likewise, a file of classes
 * @param autoencoder likewise, a directory
 * @param adapter file of tuned parameters; null for none
 * @param part which network of a training checkpoint
 * @param diffusersNumerics whether to compute as diffusers does
 */
public record ModelChoice(
        String model,
        @Nullable String weights,
        @Nullable String taxonomy,
        @Nullable String autoencoder,
        @Nullable String adapter,
        PyTorchCheckpoint.Part part,
        boolean diffusersNumerics)
        implements Serializable {

    /** A model as its files are. */
    public static ModelChoice of(String model) {
        return new ModelChoice(model, null, null, null, null, PyTorchCheckpoint.Part.EMA, false);
    }

    /**
     * Its files on this machine.
     *
     * @throws WeightsException if there is no such model
     */
    public ModelFiles locate() throws IOException {
        ModelFiles files = ModelFiles.in(ModelDirectory.locate(model)).withPart(part);
        files = weights == null ? files : files.withWeights(Path.of(weights));
        files = taxonomy == null ? files : files.withTaxonomy(Path.of(taxonomy));
        files = autoencoder == null ? files : files.withAutoencoder(Path.of(autoencoder));
        files = adapter == null ? files : files.withAdapter(Path.of(adapter));
        return diffusersNumerics ? files.withDiffusersNumerics() : files;
    }
}
