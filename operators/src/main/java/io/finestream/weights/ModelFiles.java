package io.finestream.weights;

import com.fasterxml.jackson.databind.JsonNode;
import io.finestream.dit.Taxonomy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The files that make a model, wherever they lie and whoever wrote them.
 *
 * @param config this program's {@link ModelConfig}, a transformer's configuration by diffusers, or the weights
 *     themselves, where there is none
 * @param taxonomy the classes as this program writes them, a pipeline's labels by diffusers, or the weights themselves,
 *     where the number of their classes has to tell
 * @param weights as {@link TensorFile#open(Path)} reads it
 * @param autoencoder directory of the {@link io.finestream.codec.AutoencoderKL}; not read for a model of pixels
 * @param adapter safetensors of tuned parameters that replace those of {@code weights}; null for none
 * @param part which network of a training checkpoint
 * @param diffusersNumerics whether to compute as diffusers does ({@link io.finestream.dit.DiTConfig})
 */
public record ModelFiles(
        Path config,
        Path taxonomy,
        Path weights,
        Path autoencoder,
        @Nullable Path adapter,
        PyTorchCheckpoint.Part part,
        boolean diffusersNumerics) {

    static final String PIPELINE = "model_index.json";
    static final String TRANSFORMER = "transformer";
    private static final List<String> AUTOENCODERS = List.of(ModelConfig.AUTOENCODER, "sd-vae-ft-mse", "sd-vae-ft-ema");

    private ModelFiles(Path config, Path taxonomy, Path weights, Path autoencoder) {
        this(config, taxonomy, weights, autoencoder, null, PyTorchCheckpoint.Part.EMA, false);
    }

    /**
     * The files of a model: of a directory that this program wrote, of a pipeline or a transformer that diffusers wrote,
     * or of a checkpoint, beside which the directory of its autoencoder lies ({@code vae}, {@code sd-vae-ft-mse} or {@code
     * sd-vae-ft-ema}) and, if its classes are not known, {@code taxonomy.json}.
     *
     * @throws WeightsException if there is nothing there, or no model in it
     */
    public static ModelFiles in(Path path) throws IOException {
        if (Files.isRegularFile(path)) {
            return ofCheckpoint(path);
        }
        if (!Files.isDirectory(path)) {
            throw new WeightsException("there is no model " + path.toAbsolutePath()
                    + "; expected a checkpoint, or a directory with " + GenerativeModel.CONFIG + ", "
                    + GenerativeModel.TAXONOMY + " and " + GenerativeModel.WEIGHTS);
        }
        if (Files.exists(path.resolve(PIPELINE))) {
            Path transformer = path.resolve(TRANSFORMER);
            return new ModelFiles(
                    transformer.resolve(GenerativeModel.CONFIG),
                    firstOf(path.resolve(GenerativeModel.TAXONOMY), path.resolve(PIPELINE)),
                    diffusersWeights(transformer),
                    path.resolve(ModelConfig.AUTOENCODER));
        }
        Path config = path.resolve(GenerativeModel.CONFIG);
        if (Files.exists(config) && CheckpointConfig.isOfDiffusers(ModelConfig.parseTree(config))) {
            Path weights = diffusersWeights(path);
            Path pipeline = path.resolveSibling(PIPELINE);
            return new ModelFiles(
                    config,
                    firstOf(
                            path.resolve(GenerativeModel.TAXONOMY),
                            path.resolveSibling(GenerativeModel.TAXONOMY),
                            Files.exists(pipeline) ? pipeline : weights),
                    weights,
                    firstOf(path.resolve(ModelConfig.AUTOENCODER), path.resolveSibling(ModelConfig.AUTOENCODER)));
        }
        return new ModelFiles(
                config,
                path.resolve(GenerativeModel.TAXONOMY),
                path.resolve(GenerativeModel.WEIGHTS),
                path.resolve(ModelConfig.AUTOENCODER));
    }

    private static ModelFiles ofCheckpoint(Path file) throws IOException {
        Path directory = Objects.requireNonNull(file.toAbsolutePath().getParent());
        Path config = directory.resolve(GenerativeModel.CONFIG);
        if (Files.exists(config)) {
            ModelFiles whole = in(directory);
            return new ModelFiles(whole.config, firstOf(whole.taxonomy, file), file, whole.autoencoder);
        }
        Path[] autoencoders = AUTOENCODERS.stream()
                .map(directory::resolve)
                .filter(Files::isDirectory)
                .toArray(Path[]::new);
        return new ModelFiles(
                file,
                firstOf(directory.resolve(GenerativeModel.TAXONOMY), file),
                file,
                autoencoders.length > 0 ? autoencoders[0] : directory.resolve(ModelConfig.AUTOENCODER));
    }

    private static Path diffusersWeights(Path directory) {
        return firstOf(
                AutoencoderFiles.WEIGHTS_FILES.stream().map(directory::resolve).toArray(Path[]::new));
    }

    /** The first that exists; if none does, the last. */
    private static Path firstOf(Path... candidates) {
        return Stream.of(candidates).filter(Files::exists).findFirst().orElse(candidates[candidates.length - 1]);
    }

    public ModelFiles withTaxonomy(Path file) {
        return new ModelFiles(config, file, weights, autoencoder, adapter, part, diffusersNumerics);
    }

    public ModelFiles withWeights(Path file) {
        return new ModelFiles(config, taxonomy, file, autoencoder, adapter, part, diffusersNumerics);
    }

    public ModelFiles withAutoencoder(Path directory) {
        return new ModelFiles(config, taxonomy, weights, directory, adapter, part, diffusersNumerics);
    }

    public ModelFiles withAdapter(Path file) {
        return new ModelFiles(config, taxonomy, weights, autoencoder, file, part, diffusersNumerics);
    }

    public ModelFiles withPart(PyTorchCheckpoint.Part of) {
        return new ModelFiles(config, taxonomy, weights, autoencoder, adapter, of, diffusersNumerics);
    }

    public ModelFiles withDiffusersNumerics() {
        return new ModelFiles(config, taxonomy, weights, autoencoder, adapter, part, true);
    }

    /** Where the weights come from when they are needed: a header of a large checkpoint takes time to read. */
    private interface Opening {
        TensorFile open() throws IOException;
    }

    /** The same files by their real paths, so that whoever means them by other names is equal. */
    ModelFiles real() throws IOException {
        return new ModelFiles(
                real(config),
                real(taxonomy),
                real(weights),
                real(autoencoder),
                adapter == null ? null : real(adapter),
                part,
                diffusersNumerics);
    }

    private static Path real(Path path) throws IOException {
        return Files.exists(path) ? path.toRealPath() : path.toAbsolutePath().normalize();
    }

    /** Opens the weights. */
    public TensorFile openWeights() throws IOException {
        return TensorFile.open(weights, part);
    }

    /**
     * SHA-256 of the weights' files, lower-case hex: names the base that versions are tuned on. Of a checkpoint whose
     * moving average is not what is used, it covers the part's name too.
     */
    public String weightsHash() throws IOException {
        return GenerativeModel.sha256(openWeights().files(), part == PyTorchCheckpoint.Part.EMA ? "" : part.toString());
    }

    /**
     * Reads the configuration, or works it out.
     *
     * @throws WeightsException if the file is missing, or is the configuration of something else
     */
    public ModelConfig readConfig() throws IOException {
        return readConfig(this::openWeights);
    }

    /** The same, where the weights are open already. */
    public ModelConfig readConfig(TensorFile opened) throws IOException {
        return readConfig(() -> opened);
    }

    private ModelConfig readConfig(Opening opening) throws IOException {
        ModelConfig read = readConfigOfAnyKind(opening);
        return diffusersNumerics ? read.withDiffusersNumerics() : read;
    }

    private ModelConfig readConfigOfAnyKind(Opening opening) throws IOException {
        if (config.equals(weights)) {
            TensorFile file = opening.open();
            return CheckpointConfig.of(file, classes(() -> file));
        }
        JsonNode json = ModelConfig.parseTree(config);
        if (!CheckpointConfig.isOfDiffusers(json)) {
            return ModelConfig.read(config);
        }
        TensorFile file = opening.open();
        return CheckpointConfig.ofDiffusers(config, json, CheckpointConfig.labelRows(file), classes(() -> file));
    }

    /**
     * Reads the classes.
     *
     * @param read the configuration
     * @throws WeightsException if the file is missing or broken, or has other classes than the network: with an adapter,
     *     it may have more
     */
    public Taxonomy readTaxonomy(ModelConfig read) throws IOException {
        return readTaxonomy(read, this::openWeights);
    }

    /** The same, where the weights are open already. */
    public Taxonomy readTaxonomy(ModelConfig read, TensorFile opened) throws IOException {
        return readTaxonomy(read, () -> opened);
    }

    private Taxonomy readTaxonomy(ModelConfig read, Opening opening) throws IOException {
        Taxonomy classes = classes(opening);
        int more = classes.subclasses().size() - read.dit().subclasses();
        int moreCoarse = read.dit().superclasses() == 0
                ? 0
                : classes.superclasses().size() - read.dit().superclasses();
        boolean fits = adapter == null ? more == 0 && moreCoarse == 0 : more >= 0 && moreCoarse >= 0;
        if (!fits) {
            throw new WeightsException(taxonomy + " has " + classes.subclasses().size() + " subclasses in "
                    + classes.superclasses().size() + " superclasses, " + config + " says "
                    + read.dit().subclasses() + " in " + read.dit().superclasses()
                    + "; use the files of one model together");
        }
        return classes;
    }

    private Taxonomy classes(Opening opening) throws IOException {
        if (!taxonomy.equals(weights)) {
            Taxonomy named = ModelConfig.readAnyTaxonomy(taxonomy);
            if (named != null) {
                return named;
            }
        }
        int rows = CheckpointConfig.labelRows(opening.open());
        return KnownTaxonomies.ofRows(rows)
                .orElseThrow(() -> new WeightsException(weights + " has a label table of " + rows
                        + " rows, and nothing says which classes these are; put their " + GenerativeModel.TAXONOMY
                        + " beside it"));
    }
}
