package io.finestream.tuning;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.finestream.dit.ComputeType;
import io.finestream.metrics.ClassifierConfig;
import io.finestream.metrics.ImageClassifier;
import io.finestream.torch.TorchOps;

/**
 * Trains an {@link ImageClassifier}, one optimizer step at a time: cross-entropy of both tiers with label smoothing
 * (arXiv 1512.00567).
 *
 * <p>Belongs to one thread, which must be prepared with gradients on.
 */
public final class ClassifierTrainer {

    private static final double LABEL_SMOOTHING = 0.1;

    /**
     * What a step found, means over the batch.
     *
     * @param subclassLoss cross-entropy in nats
     * @param superclassLoss cross-entropy in nats
     * @param accuracy share of the images whose subclass is the predicted one
     * @param gradNorm global norm of the gradient, before clipping
     */
    public record StepResult(double subclassLoss, double superclassLoss, double accuracy, double gradNorm) {
        public double loss() {
            return subclassLoss + superclassLoss;
        }
    }

    private final TorchOps ops;
    private final AdamW optimizer;
    private final ImageClassifier classifier;
    private final ComputeType computeType;

    /** @param optimizer of every parameter of the network; borrowed */
    public ClassifierTrainer(TorchOps inferenceOps, ClassifierConfig config, ComputeType computeType, AdamW optimizer) {
        ops = inferenceOps.withAutograd();
        classifier = new ImageClassifier(ops, config, optimizer.parameters());
        this.computeType = computeType;
        this.optimizer = optimizer;
    }

    /** One step. */
    public StepResult step(NDManager owner, CutOutSampler.Batch batch, double learningRate) {
        try (NDManager m = owner.newSubManager()) {
            int size = classifier.config().imageSize();
            NDArray images = m.create(batch.images(), new Shape(batch.subclasses().length, 3, size, size));
            NDArray subclasses = m.create(batch.subclasses()); // [B]
            NDArray smoothing = m.create(LABEL_SMOOTHING);
            NDArray features = classifier.features(m, computeType.cast(ops, m, images)); // [B, F]
            NDArray logits = classifier.subclassLogits(m, features); // [B, subclasses]
            NDArray fine = ops.crossEntropy(m, logits, subclasses, smoothing);
            NDArray coarse = ops.crossEntropy(
                    m, classifier.superclassLogits(m, features), m.create(batch.superclasses()), smoothing);
            double norm = optimizer.step(m, fine.add(coarse), learningRate);
            return new StepResult(fine.getFloat(), coarse.getFloat(), accuracy(logits, batch.subclasses()), norm);
        }
    }

    private static double accuracy(NDArray logits, long[] subclasses) {
        long[] predicted = logits.argMax(1).toLongArray();
        int right = 0;
        for (int i = 0; i < predicted.length; i++) {
            right += predicted[i] == subclasses[i] ? 1 : 0;
        }
        return (double) right / predicted.length;
    }
}
