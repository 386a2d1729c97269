package io.finestream.weights;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
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
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A directory that holds an {@link AutoencoderKL} as huggingface/diffusers saves it: {@code config.json} and {@code
 * diffusion_pytorch_model.safetensors}. The attention's older key names (before diffusers 0.17) are read too.
 */
public final class AutoencoderFiles {

    public static final String CONFIG = "config.json";
    public static final String WEIGHTS = "diffusion_pytorch_model.safetensors";

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
            int normNumGroups,
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
            ConfigFile read = JSON.readValue(file.toFile(), ConfigFile.class);
            if (read.className() != null && !read.className().equals("AutoencoderKL")) {
                throw new WeightsException(
                        file + " is the configuration of a " + read.className() + ", expected AutoencoderKL");
            }
            if (read.blockOutChannels() == null) {
                throw new WeightsException(file + " has no block_out_channels; expected diffusers' configuration of an"
                        + " AutoencoderKL");
            }
            return new AutoencoderConfig(
                    read.inChannels(),
                    read.latentChannels(),
                    read.blockOutChannels(),
                    read.layersPerBlock(),
                    read.normNumGroups(),
                    read.scalingFactor() == null ? AutoencoderConfig.DEFAULT_SCALING_FACTOR : read.scalingFactor());
        } catch (JsonProcessingException e) {
            throw new WeightsException(file + " can not be read: " + e.getOriginalMessage(), e);
        } catch (IllegalArgumentException e) {
            throw new WeightsException(file + ": " + e.getMessage(), e);
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

    /** SHA-256 of the weights file, lower-case hex. */
    public static String hash(Path directory) throws IOException {
        return GenerativeModel.sha256(directory.resolve(WEIGHTS));
    }

    /** Copies an autoencoder's files. */
    public static void copy(Path from, Path to) throws IOException {
        Files.createDirectories(to);
        for (String file : List.of(CONFIG, WEIGHTS)) {
            Files.copy(from.resolve(file), to.resolve(file), StandardCopyOption.REPLACE_EXISTING);
        }
    }

    /**
     * @param owner receives the tensors, float32
     * @return by the names of {@link AutoencoderParameters#shapes}
     * @throws WeightsException that lists every missing, unexpected and misshapen tensor
     */
    static Map<String, NDArray> readWeights(TorchOps ops, NDManager owner, Path directory, AutoencoderConfig config)
            throws IOException {
        TensorFile file = TensorFile.open(directory.resolve(WEIGHTS));
        Map<String, String> names = new LinkedHashMap<>();
        Map<String, Shape> expected = new LinkedHashMap<>();
        AutoencoderParameters.shapes(config).forEach((name, shape) -> {
            String inFile = file.names().contains(name) ? name : olderName(name);
            names.put(name, inFile);
            expected.put(inFile, shape);
        });
        file.requireTensors(expected, name -> false);
        Map<String, NDArray> weights = new LinkedHashMap<>();
        for (Map.Entry<String, String> name : names.entrySet()) {
            weights.put(name.getKey(), file.readFloat32(ops, owner, name.getValue()));
        }
        return weights;
    }

    private static String olderName(String name) {
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
