package io.finestream.weights;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.finestream.diffusion.NoiseSchedule;
import io.finestream.diffusion.PredictionType;
import io.finestream.dit.DiTConfig;
import io.finestream.dit.Taxonomy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * {@code config.json} of a model directory.
 *
 * @param name what people call the model
 * @param dit shape of the network
 * @param prediction what it predicts
 * @param schedule noise levels that it was trained on
 * @param codec {@link #PIXEL} or {@link #AUTOENCODER}
 * @param defaults what a request gets that does not say
 */
public record ModelConfig(
        String name,
        DiTConfig dit,
        PredictionType prediction,
        NoiseSchedule schedule,
        String codec,
        Defaults defaults) {

    /** Codec of a model whose latents are the image. */
    public static final String PIXEL = "pixel";
    /** Codec of a model of latents, and the directory of its autoencoder within the model's. */
    public static final String AUTOENCODER = "vae";

    /**
     * @param guidanceScale w of fine-grained guidance
     * @param guidedChannels from the first
     */
    public record Defaults(double guidanceScale, int guidedChannels) {}

    /** The JSON form of a {@link Taxonomy}: the order of the lists is the order of the label rows. */
    private record TaxonomyFile(List<String> superclasses, List<Taxonomy.Subclass> subclasses) {}

    private static final ObjectMapper JSON = new ObjectMapper()
            .setPropertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .enable(SerializationFeature.WRITE_ENUMS_USING_TO_STRING)
            .enable(SerializationFeature.INDENT_OUTPUT)
            .enable(DeserializationFeature.READ_ENUMS_USING_TO_STRING)
            .enable(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES);

    /** @throws WeightsException if the file is missing or is not a model's configuration */
    public static ModelConfig read(Path file) throws IOException {
        return parse(file, ModelConfig.class);
    }

    /** This model with label tables for the classes of {@code taxonomy}: see {@link DiTConfig#withClasses}. */
    public ModelConfig withClasses(Taxonomy taxonomy) {
        return new ModelConfig(name, dit.withClasses(taxonomy), prediction, schedule, codec, defaults);
    }

    /** This model, computed as diffusers does. */
    ModelConfig withDiffusersNumerics() {
        return new ModelConfig(name, dit.withDiffusersNumerics(true), prediction, schedule, codec, defaults);
    }

    void write(Path file) throws IOException {
        JSON.writeValue(file.toFile(), this);
    }

    /**
     * Reads this program's form, or the labels of a pipeline that diffusers saved ({@code id2label}).
     *
     * @return null for a pipeline without labels
     * @throws WeightsException if the file is missing or is neither
     */
    static @Nullable Taxonomy readAnyTaxonomy(Path file) throws IOException {
        JsonNode json = parseTree(file);
        if (!CheckpointConfig.isOfDiffusers(json)) {
            return readTaxonomy(file);
        }
        JsonNode labels = json.path("id2label");
        if (labels.isEmpty()) {
            return null;
        }
        Set<String> taken = new HashSet<>();
        List<Taxonomy.Subclass> classes = new ArrayList<>();
        for (int id = 0; id < labels.size(); id++) {
            String label = labels.path(Integer.toString(id)).asText();
            if (label.isBlank()) {
                throw new WeightsException(file + ": id2label has " + labels.size() + " labels, but none for " + id
                        + "; expected one for every number from 0 on");
            }
            boolean first = taken.add(label.toLowerCase(Locale.ROOT)); // ImageNet has two cranes
            classes.add(new Taxonomy.Subclass(first ? label : label + " (" + id + ")", 0));
        }
        return new Taxonomy(List.of("all"), classes);
    }

    /** @throws WeightsException if the file is missing or is not a taxonomy */
    public static Taxonomy readTaxonomy(Path file) throws IOException {
        TaxonomyFile parsed = parse(file, TaxonomyFile.class);
        try {
            return new Taxonomy(parsed.superclasses(), parsed.subclasses());
        } catch (IllegalArgumentException e) {
            throw new WeightsException(file + ": " + e.getMessage(), e);
        } catch (NullPointerException e) {
            throw new WeightsException(file + " has a null where a class should be; give every class a name", e);
        }
    }

    /** Writes what {@link #readTaxonomy} reads. */
    public static void writeTaxonomy(Path file, Taxonomy taxonomy) throws IOException {
        JSON.writeValue(file.toFile(), new TaxonomyFile(taxonomy.superclasses(), taxonomy.subclasses()));
    }

    static JsonNode parseTree(Path file) throws IOException {
        return parse(file, JsonNode.class);
    }

    private static <T> T parse(Path file, Class<T> type) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw new WeightsException("there is no file " + file.toAbsolutePath());
        }
        try {
            return JSON.readValue(file.toFile(), type);
        } catch (JsonProcessingException e) {
            throw new WeightsException(file + " can not be read: " + e.getOriginalMessage(), e);
        }
    }
}
