package io.finestream.weights;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import io.finestream.dit.DiTConfig;
import io.finestream.dit.DiTParameters;
import io.finestream.torch.TorchOps;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Reads a DiT from a file with the reference's parameter names. A plain DiT has no affine LayerNorm: its norms become 1
 * and 0, which computes the same.
 */
public final class DiTWeights {

    private DiTWeights() {}

    /**
     * @param owner receives the tensors, float32
     * @return by the names of {@link DiTParameters#shapes}, and {@link DiTParameters#gammaShapes} that the file has
     * @throws WeightsException that lists every missing, unexpected and misshapen tensor
     */
    public static Map<String, NDArray> read(TorchOps ops, NDManager owner, TensorFile file, DiTConfig config)
            throws IOException {
        Map<String, Shape> expected = DiTParameters.shapes(config);
        boolean oneTable = file.names().contains(DiTParameters.REFERENCE_TABLE);
        if (oneTable) {
            expected.remove(DiTParameters.SUBCLASS_TABLE);
            expected.remove(DiTParameters.SUPERCLASS_TABLE);
            expected.put(DiTParameters.REFERENCE_TABLE, tableShape(config));
        }
        Map<String, Shape> gammas = DiTParameters.gammaShapes(config, config.depth());
        expected.putAll(gammas);
        file.requireTensors(expected, name -> isNorm(name) || gammas.containsKey(name));
        expected.keySet()
                .removeIf(name -> gammas.containsKey(name) && !file.names().contains(name));
        Map<String, NDArray> weights = new LinkedHashMap<>();
        for (Map.Entry<String, Shape> parameter : expected.entrySet()) {
            String name = parameter.getKey();
            weights.put(
                    name,
                    file.names().contains(name)
                            ? file.readFloat32(ops, owner, name)
                            : defaultNorm(owner, name, parameter.getValue()));
        }
        splitTable(weights, config);
        return weights;
    }

    /** Shape of the reference's single label table: subclass rows, then coarse rows. */
    static Shape tableShape(DiTConfig config) {
        return new Shape(config.subclasses() + config.coarseRows(), config.hiddenSize());
    }

    /** Puts the two label tables in the place of the reference's single one, if that is there. */
    static void splitTable(Map<String, NDArray> weights, DiTConfig config) {
        NDArray table = weights.remove(DiTParameters.REFERENCE_TABLE);
        if (table == null) {
            return;
        }
        int c = config.subclasses();
        weights.put(
                DiTParameters.SUBCLASS_TABLE, table.get(new NDIndex("0:" + c)).duplicate());
        weights.put(
                DiTParameters.SUPERCLASS_TABLE, table.get(new NDIndex(c + ":")).duplicate());
    }

    private static NDArray defaultNorm(NDManager owner, String name, Shape shape) {
        return name.endsWith(".weight") ? owner.ones(shape) : owner.zeros(shape);
    }

    private static boolean isNorm(String name) {
        return name.matches("blocks\\.\\d+\\.norm[12]\\.(weight|bias)|final_layer\\.norm_final\\.(weight|bias)");
    }
}
