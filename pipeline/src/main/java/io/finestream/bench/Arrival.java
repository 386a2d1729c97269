package io.finestream.bench;

import io.finestream.diffusion.Guidance;
import io.finestream.diffusion.NoiseSchedule;
import io.finestream.diffusion.SampleSpec;
import io.finestream.diffusion.Sampler;
import io.finestream.flink.Samplers;
import io.finestream.schemas.SamplerName;
import io.finestream.weights.GenerativeModel;
import java.util.stream.IntStream;

/**
 * A request for one image, and when it came.
 *
 * @param atMicros since the trace began
 * @param subclass name or number
 * @param steps length of the trajectory
 * @param guidanceScale w of fine-grained guidance, or away from the null label where the model has no superclasses; 1 for
 *     none
 * @param sampler without fresh noise where it is DDIM
 * @param seed of the noise
 */
public record Arrival(long atMicros, String subclass, int steps, double guidanceScale, SamplerName sampler, long seed) {

    private static final int NO_CACHE = 1;

    /** Throws IllegalArgumentException if no model could serve it. */
    public Arrival {
        if (atMicros < 0) {
            throw new IllegalArgumentException("at_micros is " + atMicros + ", expected 0 or more");
        }
        Guidance.fineGrained(guidanceScale, 1);
        Samplers.choose(sampler, 0, "", NO_CACHE).timesteps(NoiseSchedule.DIT, steps);
    }

    Arrival at(long micros) {
        return new Arrival(micros, subclass, steps, guidanceScale, sampler, seed);
    }

    /**
     * What it asks of a model.
     *
     * @throws io.finestream.dit.UnknownClassException if the model has no such class
     * @throws IllegalArgumentException if it can not be guided
     */
    SampleSpec spec(GenerativeModel model) {
        int row = model.taxonomy().resolve(subclass);
        Guidance guidance = guidanceScale == 1
                ? Guidance.NONE
                : Guidance.fineGrained(guidanceScale, model.config().defaults().guidedChannels())
                        .forModel(model.config().dit());
        guidance.requireSupportedBy(model.config().dit());
        Sampler chosen = Samplers.choose(sampler, 0, "", NO_CACHE);
        return new SampleSpec(row, model.taxonomy().superclassOf(row), seed, 0, guidance, chosen, steps);
    }

    /** Rows of all passes that a request takes. */
    static int rows(SampleSpec spec) {
        int[] timesteps = spec.sampler().timesteps(NoiseSchedule.DIT, spec.steps());
        return IntStream.of(timesteps).map(spec.guidance()::rows).sum();
    }
}
