package io.finestream.dit;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.finestream.torch.TorchOps;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Sinusoid features of the timestep, then a two-layer MLP ({@code TimestepEmbedder} in facebookresearch/DiT
 * models.py@ed81ce2). Frequencies are 10000^(-k/128); cosines come first.
 */
final class TimestepEmbedder {

    static final int FEATURES = 256;
    private static final double MAX_PERIOD = 10_000;

    private record Features(int t, int slowest) {}

    private static final Map<Features, float[]> CACHED = new ConcurrentHashMap<>(); // a kilobyte for each timestep

    private final TorchOps ops;
    private final NDArray w0; // [D, 256]
    private final NDArray b0; // [D]
    private final NDArray w2; // [D, D]
    private final NDArray b2; // [D]
    private final int slowest; // k / slowest of the frequencies

    /** @param diffusersNumerics frequencies 10000^(-k/127), as diffusers computes them */
    TimestepEmbedder(TorchOps ops, NDArray w0, NDArray b0, NDArray w2, NDArray b2, boolean diffusersNumerics) {
        this.ops = ops;
        this.w0 = w0;
        this.b0 = b0;
        this.w2 = w2;
        this.b2 = b2;
        slowest = diffusersNumerics ? FEATURES / 2 - 1 : FEATURES / 2;
    }

    /** @param t a timestep per row, in the units of the training schedule (0..999) */
    NDArray forward(NDManager m, int[] t) {
        float[] e = new float[t.length * FEATURES];
        for (int b = 0; b < t.length; b++) {
            float[] features =
                    CACHED.computeIfAbsent(new Features(t[b], slowest), key -> features(key.t(), key.slowest()));
            System.arraycopy(features, 0, e, b * FEATURES, FEATURES);
        }
        NDArray features = m.create(e, new Shape(t.length, FEATURES)); // [B, 256]
        return ops.timestepMlp(m, features, w0, b0, w2, b2); // [B, D]
    }

    static float[] features(double t, int slowest) {
        int half = FEATURES / 2;
        float[] features = new float[FEATURES];
        for (int k = 0; k < half; k++) {
            double angle = t * Math.exp(-Math.log(MAX_PERIOD) * k / slowest);
            features[k] = (float) Math.cos(angle);
            features[half + k] = (float) Math.sin(angle);
        }
        return features;
    }
}
