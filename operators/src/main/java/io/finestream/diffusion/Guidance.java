package io.finestream.diffusion;

import io.finestream.dit.DiTConfig;
import io.finestream.dit.Label;

/**
 * Guidance: the prediction for the class is pushed away from a coarser one, coarse + scale · (fine − coarse).
 *
 * <p>FineDiffusion (arXiv 2402.18331, section 3.3) takes the superclass as the coarser label; classifier-free guidance
 * (arXiv 2207.12598) takes the null label. Outside the interval (arXiv 2404.07724) the prediction for the class stands
 * alone, which costs one row of the batch instead of two.
 *
 * @param mode where the coarser prediction comes from
 * @param scale w; 1 leaves the prediction alone, 0 gives the coarser one
 * @param intervalLow first timestep that is guided, inclusive, 0..999
 * @param intervalHigh last timestep that is guided, inclusive, 0..999
 * @param channels how many latent channels are guided, from the first; FineDiffusion and DiT guide 3 of 4
 */
public record Guidance(Mode mode, double scale, int intervalLow, int intervalHigh, int channels) {

    public static final double MAX_SCALE = 100;
    /** The noisiest timestep. */
    public static final int LAST_TIMESTEP = NoiseSchedule.DIT.timesteps() - 1;

    /** Which label the prediction is pushed away from. */
    public enum Mode {
        /** The superclass (FineDiffusion); of a plain DiT, which has none, the null label. */
        FINE_GRAINED,
        /** The null label (needs a model that was trained with one). */
        CLASSIFIER_FREE,
        /** No guidance: the conditional prediction. */
        NONE
    }

    public static final Guidance NONE = new Guidance(Mode.NONE, 1, 0, LAST_TIMESTEP, 1);

    public Guidance {
        if (!(Math.abs(scale) <= MAX_SCALE)) {
            throw new IllegalArgumentException(
                    "guidance scale is " + scale + ", expected a number from -" + MAX_SCALE + " to " + MAX_SCALE);
        }
        if (intervalLow < 0 || intervalHigh > LAST_TIMESTEP || intervalLow > intervalHigh) {
            throw new IllegalArgumentException("guidance interval is " + intervalLow + " to " + intervalHigh
                    + ", expected 0 <= low <= high <= " + LAST_TIMESTEP + " (timesteps; 0 is the cleanest)");
        }
        if (channels < 1) {
            throw new IllegalArgumentException("guided channels is " + channels + ", expected at least 1");
        }
    }

    /** Fine-grained guidance of {@code channels} channels at every timestep. */
    public static Guidance fineGrained(double scale, int channels) {
        return new Guidance(Mode.FINE_GRAINED, scale, 0, LAST_TIMESTEP, channels);
    }

    /** This guidance where a model has superclasses; without them, away from the null label, if it has that. */
    public Guidance forModel(DiTConfig config) {
        return mode == Mode.FINE_GRAINED && config.superclasses() == 0 && config.nullLabel()
                ? new Guidance(Mode.CLASSIFIER_FREE, scale, intervalLow, intervalHigh, channels)
                : this;
    }

    /** Whether the coarser prediction is needed at {@code t}. */
    public boolean usesCoarse(int t) {
        return mode != Mode.NONE && scale != 1 && t >= intervalLow && t <= intervalHigh;
    }

    /** Rows of the batch that one sample takes at {@code t}: 1 or 2. */
    public int rows(int t) {
        return usesCoarse(t) ? 2 : 1;
    }

    /** The label that the prediction is pushed away from. */
    Label coarseLabel(DiTConfig config, int superclass) {
        return Label.superclass(mode == Mode.CLASSIFIER_FREE ? config.nullRow() : config.superclassRow(superclass));
    }

    /** @throws IllegalArgumentException if the model can not be guided so */
    public void requireSupportedBy(DiTConfig config) {
        if (mode == Mode.CLASSIFIER_FREE && !config.nullLabel()) {
            throw new IllegalArgumentException("guidance mode is classifier-free, but this model has no null label; "
                    + "use fine-grained guidance (by superclass) or none");
        }
        if (mode == Mode.FINE_GRAINED && config.superclasses() == 0) {
            throw new IllegalArgumentException("guidance mode is fine-grained, but this model has no superclasses; "
                    + "use classifier-free guidance or none");
        }
        if (mode != Mode.NONE && channels > config.inChannels()) {
            throw new IllegalArgumentException("guided channels is " + channels + ", but the model's latents have "
                    + config.inChannels() + " channels");
        }
    }
}
