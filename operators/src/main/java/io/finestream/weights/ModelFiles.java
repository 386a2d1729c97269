package io.finestream.weights;

import io.finestream.dit.Taxonomy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * The files that make a model, wherever they lie.
 *
 * @param config as {@link ModelConfig} reads it
 * @param taxonomy the classes
 * @param weights as {@link TensorFile#open(Path)} reads it
 * @param autoencoder directory of the {@link io.finestream.codec.AutoencoderKL}; not read for a model of pixels
 * @param adapter safetensors of tuned parameters that replace those of {@code weights}; null for none
 */
public record ModelFiles(
        Path config,
        Path taxonomy,
        Path weights,
        Path autoencoder,
        @Nullable Path adapter) {

    /**
     * The files of a model directory.
     *
     * @throws WeightsException if there is no such directory
     */
    public static ModelFiles in(Path directory) throws WeightsException {
        if (!Files.isDirectory(directory)) {
            throw new WeightsException("there is no model directory " + directory.toAbsolutePath()
                    + "; expected a directory with " + GenerativeModel.CONFIG + ", " + GenerativeModel.TAXONOMY
                    + " and " + GenerativeModel.WEIGHTS);
        }
        return new ModelFiles(
                directory.resolve(GenerativeModel.CONFIG),
                directory.resolve(GenerativeModel.TAXONOMY),
                directory.resolve(GenerativeModel.WEIGHTS),
                directory.resolve(ModelConfig.AUTOENCODER),
                null);
    }

    public ModelFiles withTaxonomy(Path file) {
        return new ModelFiles(config, file, weights, autoencoder, adapter);
    }

    public ModelFiles withWeights(Path file) {
        return new ModelFiles(config, taxonomy, file, autoencoder, adapter);
    }

    public ModelFiles withAdapter(Path file) {
        return new ModelFiles(config, taxonomy, weights, autoencoder, file);
    }

    /** SHA-256 of the weights, lower-case hex: names the base that versions are tuned on. */
    public String weightsHash() throws IOException {
        return GenerativeModel.sha256(TensorFile.open(weights).files());
    }

    /**
     * Reads the classes.
     *
     * @param read the configuration
     * @throws WeightsException if the file is missing or broken, or has other classes than the network: with an adapter,
     *     it may have more
     */
    public Taxonomy readTaxonomy(ModelConfig read) throws IOException {
        Taxonomy classes = ModelConfig.readTaxonomy(taxonomy);
        int more = classes.subclasses().size() - read.dit().subclasses();
        int moreCoarse = classes.superclasses().size() - read.dit().superclasses();
        boolean fits = adapter == null ? more == 0 && moreCoarse == 0 : more >= 0 && moreCoarse >= 0;
        if (!fits) {
            throw new WeightsException(taxonomy + " has " + classes.subclasses().size() + " subclasses in "
                    + classes.superclasses().size() + " superclasses, " + config + " says "
                    + read.dit().subclasses() + " in " + read.dit().superclasses()
                    + "; use the files of one model together");
        }
        return classes;
    }
}
