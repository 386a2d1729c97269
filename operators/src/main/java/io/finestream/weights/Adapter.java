package io.finestream.weights;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.finestream.dit.DiTConfig;
import io.finestream.dit.DiTParameters;
import io.finestream.dit.Taxonomy;
import io.finestream.torch.TorchOps;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A file of tuned parameters: those that it holds replace the base model's, by the names of {@link
 * DiTParameters#shapes} and {@link DiTParameters#gammaShapes}; the others stay. The label table may come as the reference
 * keeps it, both tiers in one.
 */
public final class Adapter {

    private static final int SHOWN = 10;
    private static final int SHOWN_OF_HASH = 12;
    private static final String BASE = "base";
    private static final String STRATEGY = "strategy";
    private static final String VERSION = "version";
    private static final String ADDED_CLASSES = "added_classes";
    private static final ObjectMapper JSON = new ObjectMapper();

    /**
     * Where an adapter comes from, as its file says in {@code __metadata__}.
     *
     * @param baseHash SHA-256 of the weights that it was tuned on
     * @param version that it holds; 0 where it was not published as one
     * @param addedClasses those that its label tables have beyond the base model's, in the order of their rows
     */
    public record Origin(String baseHash, long version, List<Taxonomy.ClassName> addedClasses) {
        public Origin {
            addedClasses = List.copyOf(addedClasses);
        }

        /** @throws WeightsException that names both models, if it was tuned on another than {@code hash} */
        public void requireBase(String what, String hash) throws WeightsException {
            if (!baseHash.equals(hash)) {
                throw new WeightsException(what + " was trained on base " + shortened(baseHash) + ", this model is "
                        + shortened(hash) + "; use it with the base model that it was trained on");
            }
        }
    }

    private Adapter() {}

    /** Where version {@code version} lies among the adapters in {@code directory}. */
    public static Path file(Path directory, long version) {
        return directory.resolve("adapter-" + version + ".safetensors");
    }

    /** Writes a file that {@link GenerativeModel#load} and {@link #origin} read. */
    public static void write(Path file, Map<String, NDArray> tensors, Origin origin) throws IOException {
        List<List<String>> classes = origin.addedClasses().stream()
                .map(name -> List.of(name.superclass(), name.subclass()))
                .toList();
        Map<String, String> metadata = new LinkedHashMap<>();
        metadata.put("format", "pt");
        metadata.put(BASE, origin.baseHash());
        metadata.put(VERSION, Long.toString(origin.version()));
        metadata.put(ADDED_CLASSES, JSON.writeValueAsString(classes));
        Safetensors.write(file, tensors, metadata);
    }

    /** What the file says about itself, or null if another program wrote it. */
    public static @Nullable Origin origin(Safetensors file) throws WeightsException {
        String base = file.metadata().get(BASE);
        if (base == null) {
            return null;
        }
        try {
            List<List<String>> classes = JSON.readValue(
                    file.metadata().getOrDefault(ADDED_CLASSES, "[]"), new TypeReference<List<List<String>>>() {});
            return new Origin(
                    base,
                    Long.parseLong(file.metadata().getOrDefault(VERSION, "0")),
                    classes.stream()
                            .map(pair -> new Taxonomy.ClassName(pair.get(0), pair.get(1)))
                            .toList());
        } catch (JsonProcessingException | RuntimeException e) {
            throw new WeightsException(
                    file.file() + " has metadata of an adapter that can not be read: " + e.getMessage(), e);
        }
    }

    /** SHA-256 of the weights that an adapter was tuned on, if it says so. */
    public static Optional<String> base(Path file) throws IOException {
        return Optional.ofNullable(Safetensors.open(file).metadata().get(BASE));
    }

    /** A hash as messages show it. */
    public static String shortened(String hash) {
        return hash.length() <= SHOWN_OF_HASH ? hash : hash.substring(0, SHOWN_OF_HASH) + "…";
    }

    /**
     * Writes a file that {@link ModelFiles#withAdapter} takes, for classes that the taxonomy beside it has.
     *
     * @param tuned the parameters that are tuned, and no others
     * @param strategy which these are, for people
     * @param baseHash of the model that they belong to: {@link ModelFiles#weightsHash}
     */
    public static void write(Path file, Map<String, NDArray> tuned, String strategy, String baseHash)
            throws IOException {
        Safetensors.write(file, tuned, Map.of("format", "pt", STRATEGY, strategy, BASE, baseHash));
    }

    /**
     * The tensors of an adapter.
     *
     * @param owner receives them, float32
     * @param config the network's, with the classes that the adapter adds
     * @param base shapes of every parameter
     * @throws WeightsException that lists the tensors that the model does not have, or has in another shape
     */
    static Map<String, NDArray> read(
            TorchOps ops, NDManager owner, Safetensors file, DiTConfig config, Map<String, Shape> base)
            throws IOException {
        Map<String, Shape> shapes = new LinkedHashMap<>();
        for (String name : file.names()) {
            shapes.put(name, file.shape(name));
        }
        requireMatch("the adapter " + file.file(), shapes, config, base);
        Map<String, NDArray> tuned = new LinkedHashMap<>();
        for (String name : file.names()) {
            tuned.put(name, file.readFloat32(ops, owner, name));
        }
        DiTWeights.splitTable(tuned, config);
        return tuned;
    }

    /**
     * Checks tuned parameters against the network that they are for.
     *
     * @param what the adapter, as in a message
     * @param tuned shapes by name
     * @param base shapes of the parameters that stay where {@code tuned} has none
     * @throws WeightsException that lists what the network does not have, or has in another shape
     */
    static void requireMatch(String what, Map<String, Shape> tuned, DiTConfig config, Map<String, Shape> base)
            throws WeightsException {
        Map<String, Shape> expected = DiTParameters.shapes(config);
        List<String> problems = new ArrayList<>();
        boolean oneTable = tuned.containsKey(DiTParameters.REFERENCE_TABLE);
        expected.forEach((name, shape) -> {
            boolean brought = tuned.containsKey(name) || (oneTable && name.startsWith("y_embedder."));
            Shape kept = base.get(name);
            if (!brought && kept != null && !kept.equals(shape)) {
                problems.add("it lacks " + name + " as " + shape + " for the classes of the taxonomy");
            }
        });
        expected.putAll(DiTParameters.gammaShapes(config, config.depth()));
        expected.put(DiTParameters.REFERENCE_TABLE, DiTWeights.tableShape(config));
        tuned.forEach((name, found) -> {
            Shape shape = expected.get(name);
            if (shape == null) {
                problems.add("the model has no " + name);
            } else if (!found.equals(shape)) {
                problems.add(name + " is " + found + ", the model's is " + shape);
            }
        });
        if (tuned.isEmpty()) {
            problems.add("it holds no tensor");
        }
        if (!problems.isEmpty()) {
            int more = problems.size() - SHOWN;
            throw new WeightsException(what + " does not fit the model: "
                    + String.join("; ", problems.subList(0, Math.min(SHOWN, problems.size())))
                    + (more > 0 ? "; and " + more + " more" : "")
                    + "; use it with the model that it was tuned on");
        }
    }
}
