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
import io.finestream.dit.Kernels;
import io.finestream.dit.Taxonomy;
import io.finestream.torch.TorchOps;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
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
import org.jspecify.annotations.Nullable;

/** A model, loaded. The code knows no model; everything about one is in its {@link ModelFiles}. */
public final class GenerativeModel implements AutoCloseable {

    public static final String CONFIG = "config.json";
    public static final String TAXONOMY = "taxonomy.json";
    public static final String WEIGHTS = "model.safetensors";
    private static final int HASH_BUFFER = 1 << 20;

    private final NDManager manager;
    private final NDManager readLater; // for the parameters that are asked for after loading
    private final ModelFiles files;
    private final ModelConfig config;
    private final Taxonomy taxonomy;
    private final DiTWeights base;
    private final Map<String, Shape> shapes; // of all parameters
    private final Map<String, NDArray> parameters; // float32, as far as they have been read
    private final Map<String, NDArray> weights; // all of them, as the network computes with them
    private final ComputeType computeType;
    private final DiffusionModel diffusion;
    private final Codec codec;
    private @Nullable String baseHash;

    private GenerativeModel(
            NDManager manager, TorchOps ops, ModelFiles files, Parts parts, ComputeType computeType, Kernels kernels)
            throws IOException {
        this.manager = manager;
        this.files = files;
        this.computeType = computeType;
        config = parts.config();
        taxonomy = parts.taxonomy();
        base = parts.base();
        baseHash = parts.baseHash();
        readLater = manager.newSubManager();
        shapes = parts.shapes();
        parameters = new LinkedHashMap<>(parts.tuned());
        weights = readWeights(ops, kernels);
        codec = codec(ops, manager, config, files);
        DiT dit = new DiT(ops, config.dit(), weights, computeType, kernels);
        diffusion = new DiffusionModel(ops, dit, config.schedule(), config.prediction());
    }

    /** Tensor by tensor, so that what is cast is never in memory as a whole. */
    private Map<String, NDArray> readWeights(TorchOps ops, Kernels kernels) throws IOException {
        Map<String, NDArray> read = TensorReaders.readAll(shapes.keySet(), (name, scratch) -> {
            NDArray tensor = readWeight(ops, name, scratch);
            if (!kernels.packs(name)) {
                return tensor;
            }
            NDArray packed = ops.packWeight(manager, tensor);
            if (tensor != parameters.get(name)) {
                tensor.close();
            }
            return packed;
        });
        read.forEach((name, tensor) -> {
            if (!isCast(name) && !kernels.packs(name)) {
                parameters.put(name, tensor);
            }
        });
        return read;
    }

    private NDArray readWeight(TorchOps ops, String name, NDArray scratch) throws IOException {
        NDArray tuned = parameters.get(name);
        if (!isCast(name)) {
            return tuned != null ? tuned : base.read(ops, manager, name);
        }
        return tuned != null ? computeType.cast(ops, manager, tuned) : base.readBfloat16(ops, manager, name, scratch);
    }

    private boolean isCast(String name) {
        return computeType != ComputeType.FP32 && DiTParameters.isCastForInference(name);
    }

    /**
     * Loads a model for inference.
     *
     * @param path as {@link ModelFiles#in} takes it
     * @throws WeightsException if a file is missing, broken, or does not fit the others
     */
    public static GenerativeModel load(Path path, Device device, ComputeType computeType) throws IOException {
        return load(ModelFiles.in(path), device, computeType);
    }

    /** Loads a model whose files lie in several places, or with an adapter, which may bring classes of its own. */
    public static GenerativeModel load(ModelFiles files, Device device, ComputeType computeType) throws IOException {
        return load(files, device, computeType, Kernels.DETERMINISTIC);
    }

    /** The same with other kernels. */
    public static GenerativeModel load(ModelFiles files, Device device, ComputeType computeType, Kernels kernels)
            throws IOException {
        NDManager manager = TorchOps.newManager(device);
        try {
            TorchOps ops = TorchOps.load(manager);
            Parts parts = Parts.of(ops, manager, files);
            GenerativeModel model = new GenerativeModel(manager, ops, files, parts, computeType, kernels);
            manager.cap(); // results belong to their step, never to the weights
            return model;
        } catch (IOException | RuntimeException e) {
            manager.close();
            throw e;
        }
    }

    /**
     * What a model is made of, before it is loaded.
     *
     * @param config of the whole, the adapter's classes included
     * @param tuned the adapter's tensors, float32
     * @param baseHash null if nothing has asked for it
     */
    record Parts(
            ModelConfig config,
            Taxonomy taxonomy,
            DiTWeights base,
            Map<String, NDArray> tuned,
            @Nullable String baseHash) {

        /** @param owner receives the adapter's tensors */
        static Parts of(TorchOps ops, NDManager owner, ModelFiles files) throws IOException {
            TensorFile file = files.openWeights();
            ModelConfig config = files.readConfig(file);
            DiTWeights base = DiTWeights.in(file, config.dit());
            Safetensors adapter = files.adapter() == null ? null : Safetensors.open(files.adapter());
            Adapter.Origin origin = adapter == null ? null : Adapter.origin(adapter);
            Taxonomy classes = adapter == null ? null : Adapter.taxonomy(adapter);
            boolean ofItsOwn = classes != null;
            Taxonomy taxonomy = classes != null ? classes : files.readTaxonomy(config, file);
            String baseHash = null;
            if (adapter != null && origin != null) {
                baseHash = files.weightsHash();
                origin.requireBase("the adapter " + adapter.file(), baseHash);
                taxonomy = taxonomy.plus(origin.addedClasses());
            }
            ModelConfig whole = ofItsOwn ? config.withClassesInstead(taxonomy) : config.withClasses(taxonomy);
            Map<String, NDArray> tuned =
                    adapter == null ? Map.of() : Adapter.read(ops, owner, adapter, whole.dit(), base.shapes());
            return new Parts(whole, taxonomy, base, tuned, baseHash);
        }

        Map<String, Shape> shapes() {
            Map<String, Shape> shapes = new LinkedHashMap<>(base.shapes());
            tuned.forEach((name, tensor) -> shapes.put(name, tensor.getShape()));
            return shapes;
        }

        /** A parameter, float32; the adapter's belong to its manager. */
        NDArray read(TorchOps ops, NDManager owner, String name) throws IOException {
            NDArray replaced = tuned.get(name);
            return replaced != null ? replaced : base.read(ops, owner, name);
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
        return sha256(List.of(file), "");
    }

    /** Of the files' contents, one after the other, and a text. */
    static String sha256(List<Path> files, String text) throws IOException {
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
            return HexFormat.of().formatHex(digest.digest(text.getBytes(StandardCharsets.UTF_8)));
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

    /** SHA-256 of the weights, lower-case hex: names the base that versions are tuned on. The first call reads the file. */
    public synchronized String baseHash() {
        if (baseHash == null) {
            try {
                baseHash = files.weightsHash();
            } catch (IOException e) {
                throw new UncheckedIOException(files.weights() + " can not be read any more", e);
            }
        }
        return baseHash;
    }

    public DiffusionModel diffusion() {
        return diffusion;
    }

    /** The parameters, float32, by the names of {@link DiTParameters#shapes}; read-only. */
    public synchronized Map<String, NDArray> parameters() {
        shapes.keySet().forEach(this::parameter);
        return Collections.unmodifiableMap(parameters);
    }

    /**
     * One of the {@link #parameters}; null if the network has none of this name. Where the network computes in another
     * type, it is read when it is first asked for.
     */
    public synchronized @Nullable NDArray parameter(String name) {
        NDArray read = parameters.get(name);
        if (read == null && shapes.containsKey(name)) {
            try {
                read = base.read(diffusion.ops(), readLater, name);
            } catch (IOException e) {
                throw new UncheckedIOException(files.weights() + " can not be read any more", e);
            }
            parameters.put(name, read);
        }
        return read;
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
        Map<String, Shape> all = new LinkedHashMap<>(shapes);
        tuned.forEach((name, tensor) -> all.put(name, tensor.getShape()));
        Adapter.requireMatch(what, all, grown, shapes);
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
