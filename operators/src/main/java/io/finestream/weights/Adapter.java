package io.finestream.weights;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.finestream.dit.DiTConfig;
import io.finestream.dit.DiTParameters;
import io.finestream.torch.TorchOps;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A file of tuned parameters: those that it holds replace the base model's, by the names of {@link
 * DiTParameters#shapes} and {@link DiTParameters#gammaShapes}; the others stay. The label table may come as the reference keeps it, both tiers in one.
 */
final class Adapter {

    private static final int SHOWN = 10;

    private Adapter() {}

    /**
     * @param owner receives the tensors, float32
     * @param base every parameter; those that are replaced are closed
     * @return every parameter
     * @throws WeightsException that lists the tensors that the model does not have, or has in another shape
     */
    static Map<String, NDArray> apply(
            TorchOps ops, NDManager owner, Safetensors file, DiTConfig config, Map<String, NDArray> base)
            throws IOException {
        requireMatch(file, config);
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

    private static void requireMatch(Safetensors file, DiTConfig config) throws WeightsException {
        Map<String, Shape> expected = DiTParameters.shapes(config);
        expected.putAll(DiTParameters.gammaShapes(config, config.depth()));
        expected.put(DiTParameters.REFERENCE_TABLE, DiTWeights.tableShape(config));
        List<String> problems = new ArrayList<>();
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
