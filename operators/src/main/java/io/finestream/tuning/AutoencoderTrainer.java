package io.finestream.tuning;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.finestream.codec.AutoencoderConfig;
import io.finestream.codec.AutoencoderKL;
import io.finestream.dit.ComputeType;
import io.finestream.torch.TorchOps;

/**
 * Trains an {@link AutoencoderKL}, one optimizer step at a time: mean absolute error of the pixels and of their
 * differences to the neighbours, which keeps outlines sharp, plus a weighted divergence of the latents from a standard
 * normal.
 *
 * <p>Belongs to one thread, which must be prepared with gradients on.
 */
public final class AutoencoderTrainer {

    /**
     * What a step found, means over the batch.
     *
     * @param pixels mean absolute error, of values from −1 to 1
     * @param edges mean absolute error of the differences of neighbouring pixels
     * @param kl nats per latent number
     * @param mse mean squared error
     * @param gradNorm global norm of the gradient, before clipping
     */
    public record StepResult(double pixels, double edges, double kl, double mse, double gradNorm) {
        /** Peak signal-to-noise ratio in dB, of a signal from −1 to 1. */
        public double psnr() {
            return 10 * Math.log10(4 / mse);
        }
    }

    private final TorchOps ops;
    private final AdamW optimizer;
    private final AutoencoderKL autoencoder;
    private final ComputeType computeType;
    private final double edgeWeight;
    private final double klWeight;

    /** @param optimizer of every parameter of the network; borrowed */
    public AutoencoderTrainer(
            TorchOps inferenceOps,
            AutoencoderConfig config,
            ComputeType computeType,
            AdamW optimizer,
            double edgeWeight,
            double klWeight) {
        ops = inferenceOps.withAutograd();
        autoencoder = new AutoencoderKL(ops, config, optimizer.parameters());
        this.computeType = computeType;
        this.optimizer = optimizer;
        this.edgeWeight = edgeWeight;
        this.klWeight = klWeight;
    }

    /**
     * One step.
     *
     * @param images [B, 3, H, W], −1 to 1
     * @param noise standard normal numbers, [B, C, H/f, W/f]
     */
    public StepResult step(NDManager owner, NDArray images, NDArray noise, double learningRate) {
        try (NDManager m = owner.newSubManager()) {
            NDArray moments = ops.toFloat32(m, autoencoder.moments(m, computeType.cast(ops, m, images)));
            NDArray z = ops.samplePosterior(m, moments, noise); // [B, C, H/f, W/f]
            NDArray decoded = ops.toFloat32(m, autoencoder.reconstruct(m, computeType.cast(ops, m, z)));
            NDArray losses = ops.autoencoderLoss(m, images, decoded, moments); // [4]
            NDArray loss = losses.mul(m.create(new float[] {1, (float) edgeWeight, (float) klWeight, 0}))
                    .sum();
            double norm = optimizer.step(m, loss, learningRate);
            float[] values = losses.toFloatArray();
            return new StepResult(values[0], values[1], values[2], values[3], norm);
        }
    }
}
