package io.finestream.dit;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.finestream.torch.TorchOps;

/**
 * Sinusoid features of the timestep, then a two-layer MLP ({@code TimestepEmbedder} in facebookresearch/DiT
 * models.py@ed81ce2). Frequencies are 10000^(-k/128); cosines come first.
 */
final class TimestepEmbedder {

    static final int FEATURES = 256;
    private static final double MAX_PERIOD = 10_000;

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
            writeFeatures(t[b], slowest, e, b * FEATURES);
        }
        NDArray features = m.create(e, new Shape(t.length, FEATURES)); // [B, 256]
        return ops.timestepMlp(m, features, w0, b0, w2, b2); // [B, D]
    }

    static void writeFeatures(double t, int slowest, float[] target, int offset) {
        int half = FEATURES / 2;
        for (int k = 0; k < half; k++) {
            double angle = t * Math.exp(-Math.log(MAX_PERIOD) * k / slowest);
            target[offset + k] = (float) Math.cos(angle);
            target[offset + half + k] = (float) Math.sin(angle);
        }
    }
}
