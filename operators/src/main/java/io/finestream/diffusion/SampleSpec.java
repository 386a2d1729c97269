package io.finestream.diffusion;

/**
 * Everything that decides what one image looks like, given a model.
 *
 * @param subclass row of the fine label table
 * @param superclass row of the coarse label table
 * @param seed the request's seed
 * @param sample index of this sample within its request
 * @param steps length of the trajectory
 */
public record SampleSpec(
        int subclass, int superclass, long seed, int sample, Guidance guidance, Sampler sampler, int steps) {

    /** The same sample where it goes on in fewer steps: {@code left} more after {@code done}. */
    public SampleSpec shortened(int done, int left) {
        Sampler shortened = new Sampler.Shortened(sampler, steps, done, left);
        return new SampleSpec(subclass, superclass, seed, sample, guidance, shortened, done + left);
    }
}
