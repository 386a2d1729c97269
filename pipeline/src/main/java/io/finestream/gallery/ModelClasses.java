package io.finestream.gallery;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.finestream.dit.Taxonomy;
import io.finestream.flink.GenerationSettings;
import io.finestream.flink.RequestException;
import io.finestream.flink.RequestResolver;
import io.finestream.schemas.GenerationRequest;
import io.finestream.weights.ModelConfig;
import io.finestream.weights.ModelFiles;
import java.io.IOException;
import java.time.Instant;
import java.util.List;

/**
 * The classes one can ask for: those of the model, and those that fine-tuning added, which are known from the first image
 * of them that comes. A request is held to the rules that the generator holds it to.
 */
public final class ModelClasses {

    /** Images name them, and anyone who may write to the topic writes images. */
    private static final int MOST_LEARNED = 10_000;

    private final JsonMapper json = new JsonMapper();
    private final ModelConfig config;
    private final RequestResolver resolver;
    private final int most;
    private volatile Taxonomy taxonomy;

    public ModelClasses(ModelConfig config, Taxonomy taxonomy) {
        this.config = config;
        this.taxonomy = taxonomy;
        resolver = new RequestResolver(config, GenerationSettings.MAX_COUNT);
        most = taxonomy.subclasses().size() + MOST_LEARNED;
    }

    /** Those of a model that lies here. */
    public static ModelClasses of(ModelFiles files) throws IOException {
        ModelConfig config = files.readConfig();
        return new ModelClasses(config, files.readTaxonomy(config));
    }

    /** An image of the class came, so it can be asked for. Called by one thread. */
    void learn(String superclass, String subclass) {
        try {
            Taxonomy grown = taxonomy.plus(List.of(new Taxonomy.ClassName(superclass, subclass)));
            taxonomy = grown.subclasses().size() <= most ? grown : taxonomy;
        } catch (IllegalArgumentException e) {
            // of another model, in which the class has another family; there is nothing to learn
        }
    }

    /** @throws RequestException that says what is wrong, what was expected and what to do */
    void check(GenerationRequest request) throws RequestException {
        resolver.resolve(request, taxonomy, Instant.now());
    }

    /** What the form offers beside the classes: {@code maxCount}, {@code timesteps}, {@code guidanceScale}. */
    ObjectNode limits() {
        return json.createObjectNode()
                .put("maxCount", GenerationSettings.MAX_COUNT)
                .put("timesteps", config.schedule().timesteps())
                .put("guidanceScale", config.defaults().guidanceScale());
    }

    /** {@code {"superclasses": [name], "subclasses": [[name, index of its superclass]]}}. */
    String toJson() {
        Taxonomy now = taxonomy;
        ObjectNode node = json.createObjectNode();
        ArrayNode superclasses = node.putArray("superclasses");
        now.superclasses().forEach(superclasses::add);
        ArrayNode subclasses = node.putArray("subclasses");
        now.subclasses()
                .forEach(subclass -> subclasses.addArray().add(subclass.name()).add(subclass.superclass()));
        return node.toString();
    }
}
