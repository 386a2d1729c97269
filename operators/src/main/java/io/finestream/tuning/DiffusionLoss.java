package io.finestream.tuning;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.finestream.diffusion.LossCoefficients;
import io.finestream.dit.DiT;
import io.finestream.dit.Label;
import io.finestream.torch.TorchOps;
import java.util.List;

/**
 * How far a network's predictions are off: mean squared error and the variational bound in bits, per row (specification
 * of FineDiffusion).
 */
public record DiffusionLoss(TorchOps ops, DiT dit, LossCoefficients coefficients) {

    /** A network's forward pass, as {@link DiT#forward}. */
    interface Forward {
        NDArray predict(NDManager m, NDArray x, int[] t, List<Label> rowLabels);
    }

    /** Mean squared error of the prediction and variational bound per row, [2, B]. */
    public NDArray perRow(NDManager m, TrainingBatch batch) {
        return perRow(m, batch, dit::forward);
    }

    NDArray perRow(NDManager m, TrainingBatch batch, Forward network) {
        int[] t = batch.t();
        int side = dit.config().inputSize();
        Shape latents = new Shape(t.length, dit.config().inChannels(), side, side);
        Shape perRow = new Shape(t.length, 1, 1, 1);
        NDArray x0 = m.create(batch.x0(), latents); // [B, C, H, W]
        NDArray eps = m.create(batch.noise(), latents); // [B, C, H, W]
        NDArray signal = m.create(coefficients.signal(t), perRow);
        NDArray noise = m.create(coefficients.noise(t), perRow);
        NDArray xt = ops.addNoise(m, x0, eps, signal, noise); // [B, C, H, W]
        NDArray target = ops.addNoise(
                m,
                eps,
                x0,
                m.create(coefficients.target(t, 0), perRow),
                m.create(coefficients.target(t, 1), perRow)); // [B, C, H, W]
        NDArray out = network.predict(m, xt, t, batch.labels()); // [B, 2C, H, W]
        NDArray k = m.create(coefficients.loss(t), new Shape(t.length, LossCoefficients.PER_ROW));
        return ops.diffusionLoss(m, out, target, x0, xt, k);
    }
}
