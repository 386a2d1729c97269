package io.finestream.weights;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.finestream.codec.AutoencoderConfig;
import io.finestream.codec.AutoencoderKL;
import io.finestream.codec.AutoencoderParameters;
import io.finestream.torch.TorchOps;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * A directory that holds an {@link AutoencoderKL} as huggingface/diffusers saves it: {@code config.json} and {@code
 * diffusion_pytorch_model}, as safetensors in one file or several, or as torch.save writes it. What older versions wrote
 * is read too: configurations without the keys that came later, and the attention's names before diffusers 0.17, with its
 * matrices as in latent diffusion's own checkpoints, where they are convolutions of one cell.
 */
public final class AutoencoderFiles {

    public static final String CONFIG = "config.json";
    public static final String WEIGHTS = "diffusion_pytorch_model.safetensors";

    /** Where diffusers saves weights, of this network or another; the first that is there is read. */
    static final List<String> WEIGHTS_FILES =
            List.of(WEIGHTS, "diffusion_pytorch_model" + ShardedSafetensors.INDEX, "diffusion_pytorch_model.bin");

    /** What the keys that change the network or its latents must say, in every element of a list; they may be missing. */
    private static final Map<String, Set<String>> IMPLEMENTED = Map.of(
            "_class_name", Set.of("AutoencoderKL"),
            "act_fn", Set.of("silu"),
            "down_block_types", Set.of("DownEncoderBlock2D"),
            "up_block_types", Set.of("UpDecoderBlock2D"),
            "mid_block_add_attention", Set.of("true"),
            "use_quant_conv", Set.of("true"),
            "use_post_quant_conv", Set.of("true"),
            "shift_factor", Set.of("0", "0.0"),
            "latents_mean", Set.of("0", "0.0"),
            "latents_std", Set.of("1", "1.0"));

    private static final int DEFAULT_NORM_NUM_GROUPS = 32;
    private static final Map<String, String> OLDER_NAMES =
            Map.of(".to_q.", ".query.", ".to_k.", ".key.", ".to_v.", ".value.", ".to_out.0.", ".proj_attn.");
    private static final ObjectMapper JSON = new ObjectMapper()
            .setPropertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .enable(SerializationFeature.INDENT_OUTPUT);

    /** What this program needs of the file; it has more. */
    private record ConfigFile(
            @JsonProperty("_class_name") String className,
            int inChannels,
            int outChannels,
            List<String> downBlockTypes,
            List<String> upBlockTypes,
            List<Integer> blockOutChannels,
            int layersPerBlock,
            String actFn,
            int latentChannels,
            @Nullable Integer normNumGroups,
            int sampleSize,
            @Nullable Double scalingFactor) {}

    private AutoencoderFiles() {}

    /** @throws WeightsException if the file is missing or is not the configuration of such an autoencoder */
    static AutoencoderConfig readConfig(Path directory) throws IOException {
        Path file = directory.resolve(CONFIG);
        if (!Files.isRegularFile(file)) {
            throw new WeightsException("there is no file " + file.toAbsolutePath() + "; expected an autoencoder there, "
                    + CONFIG + " and " + WEIGHTS);
        }
        try {
            JsonNode json = JSON.readTree(file.toFile());
            requireImplemented(file, json);
            ConfigFile read = JSON.treeToValue(json, ConfigFile.class);
            if (read == null || read.blockOutChannels() == null) {
                throw new WeightsException(file + " has no block_out_channels; expected diffusers' configuration of an"
                        + " AutoencoderKL");
            }
            if (read.outChannels() != read.inChannels()) {
                throw new WeightsException(file + ": out_channels is " + read.outChannels() + ", expected in_channels, "
                        + read.inChannels());
            }
            return new AutoencoderConfig(
                    read.inChannels(),
                    read.latentChannels(),
                    read.blockOutChannels(),
                    read.layersPerBlock(),
                    read.normNumGroups() == null ? DEFAULT_NORM_NUM_GROUPS : read.normNumGroups(),
                    read.scalingFactor() == null ? AutoencoderConfig.DEFAULT_SCALING_FACTOR : read.scalingFactor());
        } catch (JsonProcessingException e) {
            throw new WeightsException(file + " can not be read: " + e.getOriginalMessage(), e);
        } catch (IllegalArgumentException e) {
            throw new WeightsException(file + ": " + e.getMessage(), e);
        }
    }

    private static void requireImplemented(Path file, JsonNode json) throws WeightsException {
        for (Map.Entry<String, Set<String>> key : new TreeMap<>(IMPLEMENTED).entrySet()) {
            JsonNode value = json.path(key.getKey());
            for (JsonNode element : value.isArray() ? value : List.of(value)) {
                boolean given = !element.isMissingNode() && !element.isNull();
                if (given && !key.getValue().contains(element.asText())) {
                    throw new WeightsException(file + ": " + key.getKey() + " is " + value + ", expected "
                            + String.join(" or ", new TreeSet<>(key.getValue()))
                            + "; what is read are autoencoders built like Stable Diffusion's");
                }
            }
        }
    }

    /**
     * Loads an autoencoder for inference.
     *
     * @param owner receives the weights
     * @throws WeightsException if a file is missing, broken, or does not fit the other
     */
    public static AutoencoderKL load(TorchOps ops, NDManager owner, Path directory) throws IOException {
        AutoencoderConfig config = readConfig(directory);
        return new AutoencoderKL(ops, config, readWeights(ops, owner, directory, config));
    }

    /** SHA-256 of the weights, lower-case hex. */
    public static String hash(Path directory) throws IOException {
        return GenerativeModel.sha256(openWeights(directory).files(), "");
    }

    /** Copies an autoencoder's files, and deletes weights of another that would be read in their place. */
    public static void copy(Path from, Path to) throws IOException {
        Files.createDirectories(to);
        List<Path> files = new ArrayList<>(openWeights(from).files());
        files.add(from.resolve(CONFIG));
        for (Path file : files) {
            Files.copy(file, to.resolve(from.relativize(file)), StandardCopyOption.REPLACE_EXISTING);
        }
        for (String weights : WEIGHTS_FILES) {
            if (!Files.exists(from.resolve(weights))) {
                Files.deleteIfExists(to.resolve(weights));
            }
        }
    }

    private static TensorFile openWeights(Path directory) throws IOException {
        for (String weights : WEIGHTS_FILES) {
            if (Files.exists(directory.resolve(weights))) {
                return TensorFile.open(directory.resolve(weights));
            }
        }
        throw new WeightsException("there are no weights in " + directory.toAbsolutePath() + "; expected one of "
                + String.join(", ", WEIGHTS_FILES));
    }

    /**
     * @param owner receives the tensors, float32
     * @return by the names of {@link AutoencoderParameters#shapes}
     * @throws WeightsException that lists every missing, unexpected and misshapen tensor
     */
    static Map<String, NDArray> readWeights(TorchOps ops, NDManager owner, Path directory, AutoencoderConfig config)
            throws IOException {
        TensorFile file = openWeights(directory);
        Map<String, Shape> shapes = AutoencoderParameters.shapes(config);
        Map<String, Shape> expected = new LinkedHashMap<>();
        for (Map.Entry<String, Shape> parameter : shapes.entrySet()) {
            String name = nameInFile(file, parameter.getKey());
            expected.put(name, shapeInFile(file, name, parameter.getValue()));
        }
        file.requireTensors(expected, name -> false);
        Map<String, NDArray> weights = new LinkedHashMap<>();
        for (Map.Entry<String, Shape> parameter : shapes.entrySet()) {
            NDArray tensor = file.readFloat32(ops, owner, nameInFile(file, parameter.getKey()));
            boolean same = tensor.getShape().equals(parameter.getValue());
            weights.put(parameter.getKey(), same ? tensor : tensor.reshape(parameter.getValue()));
        }
        return weights;
    }

    /** A matrix may be there as a convolution of one cell. */
    private static Shape shapeInFile(TensorFile file, String name, Shape shape) throws WeightsException {
        Shape convolution = shape.addAll(new Shape(1, 1));
        boolean is = shape.dimension() == 2
                && file.names().contains(name)
                && file.shape(name).equals(convolution);
        return is ? convolution : shape;
    }

    private static String nameInFile(TensorFile file, String name) {
        if (file.names().contains(name)) {
            return name;
        }
        for (Map.Entry<String, String> part : OLDER_NAMES.entrySet()) {
            if (name.contains(part.getKey())) {
                return name.replace(part.getKey(), part.getValue());
            }
        }
        return name;
    }

    /**
     * Saves a directory that this class and diffusers read.
     *
     * @param imageSize side of the images that it was trained on, in pixels
     */
    public static void save(Path directory, AutoencoderConfig config, int imageSize, Map<String, NDArray> weights)
            throws IOException {
        Files.createDirectories(directory);
        int levels = config.blockOutChannels().size();
        ConfigFile file = new ConfigFile(
                "AutoencoderKL",
                config.inChannels(),
                config.inChannels(),
                Collections.nCopies(levels, "DownEncoderBlock2D"),
                Collections.nCopies(levels, "UpDecoderBlock2D"),
                config.blockOutChannels(),
                config.layersPerBlock(),
                "silu",
                config.latentChannels(),
                config.normNumGroups(),
                imageSize,
                config.scalingFactor());
        Safetensors.write(directory.resolve(WEIGHTS), weights, Map.of("format", "pt"));
        JSON.writeValue(directory.resolve(CONFIG).toFile(), file);
    }
}
