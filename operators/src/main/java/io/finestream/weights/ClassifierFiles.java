package io.finestream.weights;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.finestream.dit.Taxonomy;
import io.finestream.metrics.ClassifierConfig;
import io.finestream.metrics.ClassifierParameters;
import io.finestream.metrics.ImageClassifier;
import io.finestream.torch.TorchOps;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A directory that holds an {@link ImageClassifier}: {@code config.json}, {@code taxonomy.json} and {@code
 * model.safetensors}.
 *
 * @param classifier for inference
 * @param taxonomy what its classes are called
 */
public record ClassifierFiles(ImageClassifier classifier, Taxonomy taxonomy) {

    public static final String CONFIG = "config.json";
    public static final String TAXONOMY = "taxonomy.json";
    public static final String WEIGHTS = "model.safetensors";

    private static final ObjectMapper JSON = new ObjectMapper()
            .setPropertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .enable(SerializationFeature.INDENT_OUTPUT)
            .enable(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES);

    /**
     * Loads a classifier for inference.
     *
     * @param owner receives the weights, float32
     * @throws WeightsException if a file is missing, broken, or does not fit the others
     */
    public static ClassifierFiles load(TorchOps ops, NDManager owner, Path directory) throws IOException {
        ClassifierConfig config = readConfig(directory);
        Taxonomy taxonomy = ModelConfig.readTaxonomy(directory.resolve(TAXONOMY));
        int subclasses = taxonomy.subclasses().size();
        int superclasses = taxonomy.superclasses().size();
        if (subclasses != config.subclasses() || superclasses != config.superclasses()) {
            throw new WeightsException(directory.resolve(TAXONOMY) + " has " + subclasses + " subclasses in "
                    + superclasses + " superclasses, " + directory.resolve(CONFIG) + " says " + config.subclasses()
                    + " in " + config.superclasses() + "; use the files of one classifier together");
        }
        TensorFile file = TensorFile.open(directory.resolve(WEIGHTS));
        file.requireTensors(ClassifierParameters.shapes(config), name -> false);
        Map<String, NDArray> weights = new LinkedHashMap<>();
        for (String name : ClassifierParameters.shapes(config).keySet()) {
            weights.put(name, file.readFloat32(ops, owner, name));
        }
        return new ClassifierFiles(new ImageClassifier(ops, config, weights), taxonomy);
    }

    /** Saves a directory that {@link #load} reads. */
    public static void save(Path directory, ClassifierConfig config, Taxonomy taxonomy, Map<String, NDArray> weights)
            throws IOException {
        Files.createDirectories(directory);
        Safetensors.write(directory.resolve(WEIGHTS), weights, Map.of("format", "pt"));
        ModelConfig.writeTaxonomy(directory.resolve(TAXONOMY), taxonomy);
        JSON.writeValue(directory.resolve(CONFIG).toFile(), config);
    }

    private static ClassifierConfig readConfig(Path directory) throws IOException {
        Path file = directory.resolve(CONFIG);
        if (!Files.isRegularFile(file)) {
            throw new WeightsException("there is no file " + file.toAbsolutePath() + "; expected a classifier there, "
                    + CONFIG + ", " + TAXONOMY + " and " + WEIGHTS + ", as 'finestream train-classifier' writes it");
        }
        try {
            return JSON.readValue(file.toFile(), ClassifierConfig.class);
        } catch (JsonProcessingException e) {
            throw new WeightsException(file + " can not be read: " + e.getOriginalMessage(), e);
        }
    }
}
