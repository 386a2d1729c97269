package io.finestream.cli;

import io.finestream.diffusion.Guidance;
import io.finestream.diffusion.NoiseSchedule;
import io.finestream.diffusion.Sampler;
import io.finestream.flink.Samplers;
import io.finestream.schemas.GuidanceMode;
import io.finestream.schemas.GuidanceSpec;
import io.finestream.schemas.SamplerName;
import io.finestream.weights.ModelConfig;
import java.security.SecureRandom;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** How an image comes out of noise: what {@code generate} does and what {@code request} asks for. */
final class SamplingOptions {

    /** Timesteps, both inclusive. */
    record Interval(int low, int high) {}

    static final class OfInterval implements ITypeConverter<Interval> {
        @Override
        public Interval convert(String value) {
            String[] bounds = value.split(":", -1);
            try {
                if (bounds.length == 2) {
                    return new Interval(Integer.parseInt(bounds[0]), Integer.parseInt(bounds[1]));
                }
            } catch (NumberFormatException e) {
                // said below
            }
            throw new TypeConversionException(
                    "'" + value + "' is no interval, expected LOW:HIGH in timesteps, as in 0:700 (0 is the cleanest)");
        }
    }

    static final class OfMode implements ITypeConverter<Guidance.Mode> {
        @Override
        public Guidance.Mode convert(String value) {
            try {
                return Guidance.Mode.valueOf(value.toUpperCase(Locale.ROOT).replace('-', '_'));
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(
                        "'" + value + "' is no guidance, expected fine-grained, classifier-free or none");
            }
        }
    }

    static final class OfSampler implements ITypeConverter<SamplerName> {
        @Override
        public SamplerName convert(String value) {
            try {
                return SamplerName.valueOf(value.toUpperCase(Locale.ROOT).replace('-', '_'));
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(
                        "'" + value + "' is no sampler, expected ddim, ddpm, dpm-solver-pp or unipc");
            }
        }
    }

    @Spec(Spec.Target.MIXEE)
    private @Nullable CommandSpec command;

    @Option(
            names = "--seed",
            paramLabel = "N",
            description = "seed of the noise, the same for every class (default: random, and printed)")
    private @Nullable Long seed;

    @Option(
            names = "--sampler",
            paramLabel = "NAME",
            converter = OfSampler.class,
            description = "ddim, ddpm, dpm-solver-pp (DPM-Solver++(2M)) or unipc (default ddim)")
    private SamplerName sampler = SamplerName.DDIM;

    @Option(
            names = "--eta",
            paramLabel = "X",
            description = "of ddim: share of fresh noise per step, 0 to 1 (default ${DEFAULT-VALUE})")
    private double eta;

    @Option(names = "--steps", paramLabel = "N", description = "denoising steps, 1 to 1000 (default ${DEFAULT-VALUE})")
    private int steps = 20;

    @Option(
            names = "--respacing",
            paramLabel = "TEXT",
            description =
                    "of ddim and ddpm, in place of --steps: 250 timesteps spread evenly, 10,15,20 in each of equal"
                            + " sections from the cleanest, or ddim50 at a whole stride")
    private String respacing = "";

    @Option(
            names = "--cache-interval",
            paramLabel = "N",
            description = "ask the network at every N-th step only, 1 to 10, and forecast its output in between; not"
                    + " with samplers that add noise (default ${DEFAULT-VALUE}: at every step)")
    private int cacheInterval = 1;

    @Option(
            names = "--guidance",
            paramLabel = "SCALE",
            description = "how strongly the class is enforced; 1 is not at all (default: the model's)")
    private @Nullable Double scale;

    @Option(
            names = "--guidance-mode",
            paramLabel = "MODE",
            converter = OfMode.class,
            description = "fine-grained (away from the superclass), classifier-free or none (default fine-grained)")
    private Guidance.Mode mode = Guidance.Mode.FINE_GRAINED;

    @Option(
            names = "--guidance-interval",
            paramLabel = "LOW:HIGH",
            converter = OfInterval.class,
            description = "timesteps that are guided, 0 is the cleanest (default 0:999)")
    private @Nullable Interval interval;

    @Option(
            names = "--guided-channels",
            paramLabel = "N",
            description = "latent channels that are guided, from the first (default: the model's)")
    private @Nullable Integer channels;

    /** The seed; if none was given, one is drawn on the first call. */
    long seed() {
        if (seed == null) {
            seed = (long) new SecureRandom().nextInt(Integer.MAX_VALUE); // short enough to copy
        }
        return seed;
    }

    /** Steps that are asked for. */
    int steps() {
        return steps;
    }

    String respacing() {
        return respacing;
    }

    int cacheInterval() {
        return cacheInterval;
    }

    SamplerName samplerName() {
        return sampler;
    }

    double eta() {
        return eta;
    }

    Sampler sampler() {
        return Samplers.choose(sampler, eta, respacing, cacheInterval);
    }

    /** Steps that a trajectory takes. */
    int stepsTaken() {
        return sampler().timesteps(NoiseSchedule.DIT, steps).length;
    }

    /** Guidance of a model: what the options leave open is as the model recommends. */
    Guidance guidance(ModelConfig model) {
        return guidance(model.defaults()).forModel(model.dit());
    }

    /** All of it, for images of one model. */
    Sampling of(ModelConfig model) {
        return new Sampling(sampler(), stepsTaken(), guidance(model), seed());
    }

    private Guidance guidance(ModelConfig.Defaults model) {
        Interval timesteps = interval == null ? new Interval(0, Guidance.LAST_TIMESTEP) : interval;
        return new Guidance(
                mode,
                mode == Guidance.Mode.NONE ? 1 : Objects.requireNonNullElse(scale, model.guidanceScale()),
                timesteps.low(),
                timesteps.high(),
                Objects.requireNonNullElse(channels, model.guidedChannels()));
    }

    /** The same for a request; what is open stays open. */
    GuidanceSpec guidanceSpec() {
        return GuidanceSpec.newBuilder()
                .setMode(GuidanceMode.valueOf(mode.name()))
                .setScale(scale)
                .setIntervalLow(interval == null ? null : interval.low())
                .setIntervalHigh(interval == null ? null : interval.high())
                .setGuidedChannels(channels)
                .build();
    }

    /** Finds mistakes that are mistakes for every model, before anything is loaded or sent. */
    void check() {
        try {
            if (sampler != SamplerName.DDIM && eta != 0) {
                throw new IllegalArgumentException("--eta " + eta
                        + " goes with --sampler ddim; ddpm adds the noise that the model has learned, others add none");
            }
            guidance(new ModelConfig.Defaults(1, 1));
            stepsTaken();
        } catch (IllegalArgumentException e) {
            String message = String.valueOf(e.getMessage());
            throw command == null ? e : new ParameterException(command.commandLine(), message);
        }
    }
}
