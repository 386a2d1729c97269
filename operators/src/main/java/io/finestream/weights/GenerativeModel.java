package io.finestream.weights;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.finestream.codec.Codec;
import io.finestream.codec.Images;
import io.finestream.codec.PixelCodec;
import io.finestream.diffusion.DiffusionModel;
import io.finestream.dit.ComputeType;
import io.finestream.dit.DiT;
import io.finestream.dit.DiTConfig;
import io.finestream.dit.DiTParameters;
import io.finestream.dit.Taxonomy;
import io.finestream.torch.TorchOps;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;

/**
 * A model directory, loaded: {@code config.json}, {@code taxonomy.json} and {@code model.safetensors}. The code knows no
 * model; everything about one is in its directory.
 */
public final class GenerativeModel implements AutoCloseable {

    public static final String CONFIG = "config.json";
    public static final String TAXONOMY = "taxonomy.json";
    public static final String WEIGHTS = "model.safetensors";
    private static final int HASH_BUFFER = 1 << 20;

    private final NDManager manager;
    private final ModelConfig config;
    private final Taxonomy taxonomy;
    private final String baseHash;
    private final DiffusionModel diffusion;
    private final Codec codec;

    private GenerativeModel(
            NDManager manager,
            ModelConfig config,
            Taxonomy taxonomy,
            String baseHash,
            DiffusionModel diffusion,
            Codec codec) {
        this.manager = manager;
        this.config = config;
        this.taxonomy = taxonomy;
        this.baseHash = baseHash;
        this.diffusion = diffusion;
        this.codec = codec;
    }

    /**
     * Loads a model for inference.
     *
     * @throws WeightsException if a file is missing, broken, or does not fit the others
     */
    public static GenerativeModel load(Path directory, Device device, ComputeType computeType) throws IOException {
        return load(ModelFiles.in(directory), device, computeType);
    }

    /** Loads a model whose files lie in several places, or with an adapter, which may bring classes of its own. */
    public static GenerativeModel load(ModelFiles files, Device device, ComputeType computeType) throws IOException {
        ModelConfig baseConfig = ModelConfig.read(files.config());
        Taxonomy taxonomy = files.readTaxonomy(baseConfig);
        ModelConfig config = baseConfig.withClasses(taxonomy); // an adapter may bring some
        Safetensors base = Safetensors.open(files.weights());
        Safetensors adapter = files.adapter() == null ? null : Safetensors.open(files.adapter());
        NDManager manager = TorchOps.newManager(device);
        try {
            TorchOps ops = TorchOps.load(manager);
            String baseHash = files.weightsHash();
            Map<String, NDArray> weights = DiTWeights.read(ops, manager, base, baseConfig.dit());
            if (adapter != null) {
                weights = Adapter.apply(ops, manager, adapter, baseHash, config.dit(), weights);
            }
            DiT dit = new DiT(
                    ops, config.dit(), DiTParameters.castForInference(ops, manager, weights, computeType), computeType);
            DiffusionModel diffusion = new DiffusionModel(ops, dit, config.schedule(), config.prediction());
            Codec codec = codec(ops, manager, config, files);
            manager.cap(); // results belong to their step, never to the weights
            return new GenerativeModel(manager, config, taxonomy, baseHash, diffusion, codec);
        } catch (IOException | RuntimeException e) {
            manager.close();
            throw e;
        }
    }

    /** Saves a directory that {@link #load} reads. */
    public static void save(Path directory, ModelConfig config, Taxonomy taxonomy, Map<String, NDArray> weights)
            throws IOException {
        Files.createDirectories(directory);
        Safetensors.write(directory.resolve(WEIGHTS), weights, Map.of("format", "pt"));
        ModelConfig.writeTaxonomy(directory.resolve(TAXONOMY), taxonomy);
        config.write(directory.resolve(CONFIG));
    }

    private static Codec codec(TorchOps ops, NDManager manager, ModelConfig config, ModelFiles files)
            throws IOException {
        return switch (config.codec()) {
            case ModelConfig.PIXEL -> new PixelCodec();
            case ModelConfig.AUTOENCODER -> AutoencoderFiles.load(ops, manager, files.autoencoder());
            default ->
                throw new WeightsException(files.config() + ": codec '" + config.codec() + "' is unknown, expected "
                        + ModelConfig.PIXEL + " or " + ModelConfig.AUTOENCODER);
        };
    }

    static String sha256(Path file) throws IOException {
        try (InputStream in = new DigestInputStream(Files.newInputStream(file), MessageDigest.getInstance("SHA-256"))) {
            byte[] buffer = new byte[HASH_BUFFER];
            while (in.read(buffer) >= 0) {
                // the stream digests what it reads
            }
            return HexFormat.of()
                    .formatHex(((DigestInputStream) in).getMessageDigest().digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    public ModelConfig config() {
        return config;
    }

    public Taxonomy taxonomy() {
        return taxonomy;
    }

    /** SHA-256 of the weights file, lower-case hex: names the base that versions are tuned on. */
    public String baseHash() {
        return baseHash;
    }

    public DiffusionModel diffusion() {
        return diffusion;
    }

    public Codec codec() {
        return codec;
    }

    /** Side of the images, in pixels. */
    public int imageSize() {
        return config.dit().inputSize() * codec.downsampling();
    }

    /**
     * Decodes one latent.
     *
     * @param latent [C, H, W] flattened
     */
    public BufferedImage decode(float[] latent) {
        DiTConfig dit = config.dit();
        try (NDManager m = newManager()) {
            Shape shape = new Shape(1, dit.inChannels(), dit.inputSize(), dit.inputSize());
            return Images.fromPlanes(codec.decode(m.create(latent, shape)).toFloatArray(), imageSize(), imageSize());
        }
    }

    /** A manager for one user of the model (a batch, a decoder); close it before the model. */
    public NDManager newManager() {
        return TorchOps.newManager(manager.getDevice());
    }

    @Override
    public void close() {
        manager.close();
    }
}
