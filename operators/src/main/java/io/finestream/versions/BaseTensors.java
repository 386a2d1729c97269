package io.finestream.versions;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.finestream.dit.DiTConfig;
import io.finestream.dit.DiTParameters;
import io.finestream.schemas.ParameterSlice;
import io.finestream.weights.GenerativeModel;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A base model's tensors as versions have them: whole and float32. DiffFit's scales, which it may lack, are ones.
 *
 * @param model borrowed
 */
public record BaseTensors(GenerativeModel model) implements Function<String, @Nullable ParameterSlice> {

    /** SHA-256 of the weights. */
    public String hash() {
        return model.baseHash();
    }

    /** The tensor of this name, as of version 0; null if the model has none. */
    @Override
    public @Nullable ParameterSlice apply(String name) {
        NDArray tensor = model.parameter(name);
        if (tensor != null) {
            return ParameterSlices.whole(0, name, tensor);
        }
        DiTConfig config = model.config().dit();
        Shape scales = DiTParameters.gammaShapes(config, config.depth()).get(name);
        if (scales == null) {
            return null;
        }
        try (NDManager m = model.newManager()) {
            return ParameterSlices.whole(0, name, m.ones(scales));
        }
    }
}
