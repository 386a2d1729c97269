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
import java.util.Collections;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
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
    private final Map<String, NDArray> parameters; // float32
    private final Map<String, NDArray> weights; // the same, as the network computes with them
    private final ComputeType computeType;
    private final DiffusionModel diffusion;
    private final Codec codec;

    private GenerativeModel(
            NDManager manager,
            ModelConfig config,
            Taxonomy taxonomy,
            String baseHash,
            TorchOps ops,
            Map<String, NDArray> parameters,
            ComputeType computeType,
            Codec codec) {
        this.manager = manager;
        this.config = config;
        this.taxonomy = taxonomy;
        this.baseHash = baseHash;
        this.parameters = parameters;
        this.computeType = computeType;
        this.codec = codec;
        weights = DiTParameters.castForInference(ops, manager, parameters, computeType);
        DiT dit = new DiT(ops, config.dit(), weights, computeType);
        diffusion = new DiffusionModel(ops, dit, config.schedule(), config.prediction());
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
        TensorFile base = TensorFile.open(files.weights());
        String baseHash = files.weightsHash();
        Safetensors adapter = files.adapter() == null ? null : Safetensors.open(files.adapter());
        Adapter.Origin origin = adapter == null ? null : Adapter.origin(adapter);
        if (adapter != null && origin != null) {
            origin.requireBase("the adapter " + adapter.file(), baseHash);
            taxonomy = taxonomy.plus(origin.addedClasses());
        }
        ModelConfig config = baseConfig.withClasses(taxonomy);
        NDManager manager = TorchOps.newManager(device);
        try {
            TorchOps ops = TorchOps.load(manager);
            Map<String, NDArray> parameters = DiTWeights.read(ops, manager, base, baseConfig.dit());
            if (adapter != null) {
                parameters = Adapter.apply(ops, manager, adapter, config.dit(), parameters);
            }
            Codec codec = codec(ops, manager, config, files);
            GenerativeModel model =
                    new GenerativeModel(manager, config, taxonomy, baseHash, ops, parameters, computeType, codec);
            manager.cap(); // results belong to their step, never to the weights
            return model;
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
        Codec codec = switch (config.codec()) {
            case ModelConfig.PIXEL -> new PixelCodec();
            case ModelConfig.AUTOENCODER -> AutoencoderFiles.load(ops, manager, files.autoencoder());
            default ->
                throw new WeightsException(files.config() + ": codec '" + config.codec() + "' is unknown, expected "
                        + ModelConfig.PIXEL + " or " + ModelConfig.AUTOENCODER);
        };
        int channels = config.dit().inChannels();
        if (codec.latentChannels() != channels) {
            throw new WeightsException(files.config() + ": in_channels of the network is " + channels
                    + ", but latents of its codec '" + config.codec() + "' have " + codec.latentChannels()
                    + " channels; use the autoencoder that the network was trained with");
        }
        return codec;
    }

    static String sha256(Path file) throws IOException {
        return sha256(List.of(file));
    }

    /** Of the files' contents, one after the other. */
    static String sha256(List<Path> files) throws IOException {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            byte[] buffer = new byte[HASH_BUFFER];
            for (Path file : files) {
                try (InputStream in = new DigestInputStream(Files.newInputStream(file), digest)) {
                    while (in.read(buffer) >= 0) {
                        // the stream digests what it reads
                    }
                }
            }
            return HexFormat.of().formatHex(digest.digest());
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

    /** The parameters as they were loaded, float32, by the names of {@link DiTParameters#shapes}; read-only. */
    public Map<String, NDArray> parameters() {
        return Collections.unmodifiableMap(parameters);
    }

    /**
     * The network with other values of some parameters. The others are shared, not copied.
     *
     * @param owner receives what has to be cast; it and {@code tuned} must outlive the result
     * @param what the values, as in a message
     * @param tuned float32, by name
     * @param classes this model's, and behind them those that the label tables in {@code tuned} have in addition
     * @throws WeightsException that lists what does not fit the network
     */
    public DiffusionModel tuned(NDManager owner, String what, Map<String, NDArray> tuned, Taxonomy classes)
            throws WeightsException {
        DiTConfig grown = config.dit().withClasses(classes);
        Map<String, NDArray> all = new LinkedHashMap<>(parameters);
        all.putAll(tuned);
        Map<String, Shape> shapes = new LinkedHashMap<>();
        all.forEach((name, tensor) -> shapes.put(name, tensor.getShape()));
        Adapter.requireMatch(what, shapes, grown, parameters);
        Map<String, NDArray> merged = new LinkedHashMap<>(weights);
        merged.putAll(DiTParameters.castForInference(diffusion.ops(), owner, tuned, computeType));
        return diffusion.with(diffusion.dit().with(grown, merged));
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

    /**
     * Encodes one image.
     *
     * @param planes [3, H, W] flattened, 0 to 255
     * @return its latent, [C, H, W] flattened
     */
    public float[] encode(byte[] planes) {
        float[] pixels = new float[planes.length];
        for (int i = 0; i < planes.length; i++) {
            pixels[i] = (planes[i] & 0xff) / 127.5f - 1;
        }
        try (NDManager m = newManager()) {
            return codec.encode(m.create(pixels, new Shape(1, 3, imageSize(), imageSize())))
                    .toFloatArray();
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
