package io.finestream.tuning;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.finestream.diffusion.LossCoefficients;
import io.finestream.dit.ComputeType;
import io.finestream.dit.DiT;
import io.finestream.dit.DiTConfig;
import io.finestream.dit.TrainingPass;
import io.finestream.torch.TorchOps;

/**
 * Trains a DiT, one optimizer step at a time: mean squared error plus the variational bound in bits (specification of
 * FineDiffusion).
 *
 * <p>Belongs to one thread, which must be prepared with gradients on.
 */
public final class Trainer {

    /**
     * What a step found; losses are means over the batch.
     *
     * @param mse mean squared error of the prediction
     * @param vb variational bound in bits
     * @param gradNorm global norm of the gradient, before clipping
     */
    public record StepResult(double mse, double vb, double gradNorm) {}

    private final TorchOps ops;
    private final AdamW optimizer;
    private final LossCoefficients coefficients;
    private final DiffusionLoss loss;

    /**
     * @param coefficients of the loss; they say what the network predicts
     * @param optimizer of every parameter of the network; borrowed
     */
    public Trainer(
            TorchOps inferenceOps,
            DiTConfig config,
            LossCoefficients coefficients,
            ComputeType computeType,
            AdamW optimizer) {
        ops = inferenceOps.withAutograd();
        this.coefficients = coefficients;
        this.optimizer = optimizer;
        loss = new DiffusionLoss(ops, new DiT(ops, config, optimizer.parameters(), computeType), coefficients);
    }

    /** One step on {@code batch} with this learning rate. */
    public StepResult step(NDManager owner, TrainingBatch batch, double learningRate) {
        try (NDManager m = owner.newSubManager()) {
            TrainingPass pass = new TrainingPass(loss.dit());
            NDArray losses = loss.perRow(m, batch, pass::forward); // [2, B]
            NDArray mean = ops.meanLoss(m, losses, m.create(coefficients.weight(batch.t())));
            double norm = optimizer.update(m, pass.backward(m, mean), learningRate);
            float[] values = losses.toFloatArray();
            return new StepResult(mean(values, 0), mean(values, 1), norm);
        }
    }

    DiffusionLoss loss() {
        return loss;
    }

    private static double mean(float[] losses, int part) {
        int b = losses.length / 2;
        double sum = 0;
        for (int i = 0; i < b; i++) {
            sum += losses[part * b + i];
        }
        return sum / b;
    }
}
