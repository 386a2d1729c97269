package io.finestream.tuning;

import java.io.Serializable;

/**
 * How a model is tuned on a stream of labeled images.
 *
 * @param strategy which parameters are tuned
 * @param seed of batches and noise
 */
public record TuningSettings(
        TuningStrategy strategy, Optimization optimization, Images images, Candidates candidates, long seed)
        implements Serializable {

    /**
     * One step after the other.
     *
     * @param learningRate constant
     * @param batchSize rows of a step
     * @param labelDropout probability that a row is trained on its superclass
     * @param timesteps which noise levels are trained
     * @param minSnrGamma of min-SNR weighting; infinite to count every timestep alike
     * @param emaDecay of the moving average that is published, per step
     * @param maxGradNorm gradients are clipped to this global norm; 0 for no clipping
     * @param spikeFactor a loss of more than this times its running average sends the trainer back to its last good state
     */
    public record Optimization(
            double learningRate,
            int batchSize,
            double labelDropout,
            Timesteps timesteps,
            double minSnrGamma,
            double emaDecay,
            double maxGradNorm,
            double spikeFactor)
            implements Serializable {
        public Optimization {
            require(learningRate > 0, "learning rate", learningRate, "more than 0");
            require(batchSize >= 1, "batch size", batchSize, "at least 1");
            require(labelDropout >= 0 && labelDropout <= 1, "label dropout", labelDropout, "0 to 1");
            require(emaDecay >= 0 && emaDecay < 1, "decay of the average", emaDecay, "0 or more, and less than 1");
            require(maxGradNorm >= 0, "gradient norm", maxGradNorm, "0 or more");
            require(spikeFactor > 1, "spike factor", spikeFactor, "more than 1");
        }
    }

    /**
     * What is made of the images.
     *
     * @param replayShare least share of a batch's rows that goes to images seen before, so that what was known stays; 0
     *     for none
     * @param usesPerImage batches that each new image is in
     * @param maxFresh most images that wait to be trained on; where more come, the oldest give way
     * @param bufferBytes of the latents that are kept for replay; a quarter of it more is kept for measuring
     * @param heldOutShare share of the images that is measured on and never trained on
     */
    public record Images(double replayShare, int usesPerImage, int maxFresh, long bufferBytes, double heldOutShare)
            implements Serializable {
        public Images {
            require(replayShare >= 0 && replayShare < 1, "replay share", replayShare, "0 or more, and less than 1");
            require(usesPerImage >= 1, "uses per image", usesPerImage, "at least 1");
            require(maxFresh >= 1, "most fresh images", maxFresh, "at least 1");
            require(bufferBytes >= 1, "buffer bytes", bufferBytes, "at least 1");
            require(
                    heldOutShare >= 0 && heldOutShare < 1,
                    "held-out share",
                    heldOutShare,
                    "0 or more, and less than 1");
        }
    }

    /**
     * When what was learned becomes a version.
     *
     * @param every optimizer steps between two candidates
     * @param images most held-out images of a group that a candidate is measured on
     * @param margin a candidate is held back if a group's error rises by more than this share
     * @param maxRejections candidates held back in a row after which the trainer goes back to the newest version
     */
    public record Candidates(int every, int images, double margin, int maxRejections) implements Serializable {
        public Candidates {
            require(every >= 1, "interval of candidates", every, "at least 1 step");
            require(images >= 1, "images of a measurement", images, "at least 1");
            require(margin >= 0, "margin of the gate", margin, "0 or more");
            require(maxRejections >= 1, "most rejections", maxRejections, "at least 1");
        }
    }

    /** FineDiffusion, with what proved good on the shipped model. */
    public static final TuningSettings DEFAULT = new TuningSettings(
            TuningStrategy.FINE_DIFFUSION,
            new Optimization(1e-3, 32, 0.1, Timesteps.UNIFORM, Double.POSITIVE_INFINITY, 0.98, 1, 5),
            new Images(0.5, 32, 512, 256L << 20, 0.1),
            new Candidates(50, 32, 0.03, 3),
            1);

    public TuningSettings with(Images other) {
        return new TuningSettings(strategy, optimization, other, candidates, seed);
    }

    public TuningSettings with(Candidates other) {
        return new TuningSettings(strategy, optimization, images, other, seed);
    }

    private static void require(boolean holds, String what, double value, String expected) {
        if (!holds) {
            throw new IllegalArgumentException("the " + what + " of tuning is " + value + ", expected " + expected);
        }
    }
}
