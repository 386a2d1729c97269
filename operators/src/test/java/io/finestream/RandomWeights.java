package io.finestream;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import io.finestream.dit.DiTConfig;
import io.finestream.dit.DiTParameters;
import java.util.LinkedHashMap;
import java.util.Map;

/** Weights of any network in which every layer matters; the reference's initial values make the zero function. */
public final class RandomWeights {

    private RandomWeights() {}

    /** The same seed gives the same weights. */
    public static Map<String, NDArray> of(NDManager manager, DiTConfig config, int seed) {
        manager.getEngine().setRandomSeed(seed);
        Map<String, NDArray> weights = new LinkedHashMap<>();
        DiTParameters.initialise(manager, config).forEach((name, initial) -> {
            double fanIn = initial.getShape().dimension() > 1
                    ? (double) initial.size() / initial.getShape().get(0)
                    : 100;
            float std = name.contains("_table") ? 1 : (float) (1 / Math.sqrt(fanIn));
            weights.put(
                    name,
                    name.equals("pos_embed")
                            ? initial
                            : initial.add(manager.randomNormal(0f, std, initial.getShape(), DataType.FLOAT32)));
        });
        return weights;
    }
}
