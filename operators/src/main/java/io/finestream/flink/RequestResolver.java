package io.finestream.flink;

import io.finestream.diffusion.Guidance;
import io.finestream.diffusion.SampleSpec;
import io.finestream.diffusion.Sampler;
import io.finestream.dit.Taxonomy;
import io.finestream.dit.UnknownClassException;
import io.finestream.schemas.GenerationRequest;
import io.finestream.schemas.GuidanceMode;
import io.finestream.schemas.GuidanceSpec;
import io.finestream.schemas.ReasonCode;
import io.finestream.weights.ModelConfig;
import java.time.Instant;

/** What a request asks of one model: checks it, and fills in what it leaves to the model. */
public final class RequestResolver {

    private final ModelConfig config;
    private final int maxCount;

    /** @param maxCount most images of one request record */
    public RequestResolver(ModelConfig config, int maxCount) {
        this.config = config;
        this.maxCount = maxCount;
    }

    /**
     * The class that a request asks for, if everything about the request is in order.
     *
     * @param taxonomy the newest
     * @return row of the fine label table
     * @throws RequestException that says what is wrong, what was expected and what to do
     */
    public int resolve(GenerationRequest request, Taxonomy taxonomy, Instant now) throws RequestException {
        if (request.getRequestId().isBlank()) {
            throw invalid("the request id is empty; set it, for example to a random UUID");
        }
        int subclass = resolveClass(request, taxonomy);
        if (request.getCount() < 1 || request.getCount() > maxCount) {
            throw invalid("count is " + request.getCount() + ", expected 1 to " + maxCount
                    + "; split a larger request into records with one request id and set firstSample in each");
        }
        if (request.getFirstSample() < 0 || request.getFirstSample() > Integer.MAX_VALUE - request.getCount()) {
            throw invalid("firstSample is " + request.getFirstSample() + ", expected 0 or more");
        }
        int timesteps = config.schedule().timesteps();
        if (request.getSteps() < 1 || request.getSteps() > timesteps) {
            throw invalid("steps is " + request.getSteps() + ", expected 1 to " + timesteps);
        }
        try {
            int superclass = taxonomy.superclassOf(subclass);
            spec(request, subclass, superclass, request.getFirstSample())
                    .guidance()
                    .requireSupportedBy(config.dit());
        } catch (IllegalArgumentException e) {
            throw invalid(String.valueOf(e.getMessage()));
        }
        Instant deadline = request.getDeadline();
        if (deadline != null && deadline.isBefore(now)) {
            throw new RequestException(
                    ReasonCode.EXPIRED,
                    "the deadline " + deadline + " had passed when the request was read at " + now
                            + "; send it again with a later one, or add capacity");
        }
        return subclass;
    }

    private static int resolveClass(GenerationRequest request, Taxonomy taxonomy) throws RequestException {
        String name = request.getSubclass();
        Integer number = request.getSubclassId();
        if ((name == null) == (number == null)) {
            throw invalid("the class must be named once, by subclass or by subclassId; "
                    + (name == null ? "neither is set" : "both are set ('" + name + "' and " + number + ")"));
        }
        try {
            return name != null ? taxonomy.subclass(name) : taxonomy.requireSubclass(number);
        } catch (UnknownClassException e) {
            throw new RequestException(ReasonCode.UNKNOWN_CLASS, String.valueOf(e.getMessage()));
        }
    }

    /** What the sample with this index looks like. The request must be one that {@link #resolve} accepts. */
    SampleSpec spec(GenerationRequest request, int subclass, int superclass, int sample) {
        Sampler sampler = Samplers.choose(
                request.getSampler(), request.getEta(), request.getRespacing(), request.getCacheInterval());
        return new SampleSpec(
                subclass,
                superclass,
                request.getSeed(),
                sample,
                guidance(request.getGuidance()),
                sampler,
                sampler.timesteps(config.schedule(), request.getSteps()).length);
    }

    /** The guidance that a request asks for; what it leaves open is as the model recommends. */
    Guidance guidance(GuidanceSpec asked) {
        Double scale = asked.getScale();
        Integer low = asked.getIntervalLow();
        Integer high = asked.getIntervalHigh();
        Integer channels = asked.getGuidedChannels();
        Guidance.Mode mode = switch (asked.getMode()) {
            case FINE_GRAINED -> Guidance.Mode.FINE_GRAINED;
            case CLASSIFIER_FREE -> Guidance.Mode.CLASSIFIER_FREE;
            case NONE -> Guidance.Mode.NONE;
        };
        return new Guidance(
                        mode,
                        asked.getMode() == GuidanceMode.NONE
                                ? 1
                                : scale != null ? scale : config.defaults().guidanceScale(),
                        low != null ? low : 0,
                        high != null ? high : Guidance.LAST_TIMESTEP,
                        channels != null ? channels : config.defaults().guidedChannels())
                .forModel(config.dit());
    }

    private static RequestException invalid(String reason) {
        return new RequestException(ReasonCode.INVALID, reason);
    }
}
