package io.finestream.weights;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.finestream.dit.DiTConfig;
import io.finestream.dit.DiTParameters;
import io.finestream.torch.TorchOps;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A file of tuned parameters: those that it holds replace the base model's, by the names of {@link DiTParameters#shapes}
 * and {@link DiTParameters#gammaShapes}; the others stay. The label table may come as the reference keeps it, both tiers
 * in one.
 */
public final class Adapter {

    private static final int SHOWN = 10;
    private static final String BASE = "base";
    private static final String STRATEGY = "strategy";

    private Adapter() {}

    /**
     * Writes a file that {@link ModelFiles#withAdapter} takes.
     *
     * @param tuned the parameters that are tuned, and no others
     * @param strategy which these are, for people
     * @param baseHash of the model that they belong to: {@link ModelFiles#weightsHash}
     */
    public static void write(Path file, Map<String, NDArray> tuned, String strategy, String baseHash)
            throws IOException {
        Safetensors.write(file, tuned, Map.of("format", "pt", STRATEGY, strategy, BASE, baseHash));
    }

    /** SHA-256 of the weights that an adapter was tuned on, if it says so. */
    public static Optional<String> base(Path file) throws IOException {
        return base(Safetensors.open(file));
    }

    private static Optional<String> base(Safetensors file) {
        return Optional.ofNullable(file.metadata().get(BASE));
    }

    /**
     * @param owner receives the tensors, float32
     * @param baseHash SHA-256 of the file of {@code base}
     * @param config of the network with the adapter: it may have more classes than {@code base}
     * @param base every parameter; those that are replaced are closed
     * @return every parameter
     * @throws WeightsException if the adapter says that it was tuned on another base; or that lists the tensors that the
     *     model does not have, or has in another shape
     */
    static Map<String, NDArray> apply(
            TorchOps ops,
            NDManager owner,
            Safetensors file,
            String baseHash,
            DiTConfig config,
            Map<String, NDArray> base)
            throws IOException {
        String tunedOn = base(file).orElse(baseHash);
        if (!tunedOn.equals(baseHash)) {
            throw new WeightsException("the adapter " + file.file() + " was tuned on the base model " + tunedOn
                    + ", this one's weights are " + baseHash + "; use it with the model that it was tuned on");
        }
        requireMatch(file, config, base);
        Map<String, NDArray> tuned = new LinkedHashMap<>();
        for (String name : file.names()) {
            tuned.put(name, file.readFloat32(ops, owner, name));
        }
        DiTWeights.splitTable(tuned, config);
        Map<String, NDArray> merged = new LinkedHashMap<>(base);
        tuned.forEach((name, tensor) -> {
            NDArray replaced = merged.put(name, tensor);
            if (replaced != null) {
                replaced.close();
            }
        });
        return merged;
    }

    private static void requireMatch(Safetensors file, DiTConfig config, Map<String, NDArray> base)
            throws WeightsException {
        Map<String, Shape> expected = DiTParameters.shapes(config);
        List<String> problems = new ArrayList<>();
        boolean oneTable = file.names().contains(DiTParameters.REFERENCE_TABLE);
        expected.forEach((name, shape) -> {
            boolean brought = file.names().contains(name) || (oneTable && name.startsWith("y_embedder."));
            NDArray tensor = base.get(name);
            if (!brought && tensor != null && !tensor.getShape().equals(shape)) {
                problems.add("it lacks " + name + " as " + shape + " for the classes of the taxonomy");
            }
        });
        expected.putAll(DiTParameters.gammaShapes(config, config.depth()));
        expected.put(DiTParameters.REFERENCE_TABLE, DiTWeights.tableShape(config));
        for (String name : file.names()) {
            Shape shape = expected.get(name);
            if (shape == null) {
                problems.add("the model has no " + name);
            } else if (!file.shape(name).equals(shape)) {
                problems.add(name + " is " + file.shape(name) + ", the model's is " + shape);
            }
        }
        if (file.names().isEmpty()) {
            problems.add("it holds no tensor");
        }
        if (!problems.isEmpty()) {
            int more = problems.size() - SHOWN;
            throw new WeightsException("the adapter " + file.file() + " does not fit the model: "
                    + String.join("; ", problems.subList(0, Math.min(SHOWN, problems.size())))
                    + (more > 0 ? "; and " + more + " more" : "")
                    + "; use it with the model that it was tuned on");
        }
    }
}
