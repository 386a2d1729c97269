package io.finestream.cli;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.finestream.codec.Codec;
import io.finestream.diffusion.NoiseSchedule;
import io.finestream.diffusion.PredictionType;
import io.finestream.dit.DiTConfig;
import io.finestream.dit.DiTParameters;
import io.finestream.dit.Taxonomy;
import io.finestream.weights.AutoencoderFiles;
import io.finestream.weights.ModelConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;

/** What network is trained from nothing. A model that is trained further has all of this, and no option says otherwise. */
final class NetworkOptions {

    private static final int DEFAULT_PATCH = 2;
    private static final int DEFAULT_WIDTH = 256;
    private static final int DEFAULT_DEPTH = 6;
    private static final int DEFAULT_HEADS = 4;

    @Option(
            names = "--autoencoder",
            paramLabel = "DIR",
            description = "learn the latents of this autoencoder, which train-autoencoder or diffusers wrote; default:"
                    + " pixels")
    private @Nullable Path autoencoder;

    @Option(names = "--patch", description = "patch size (default " + DEFAULT_PATCH + ")")
    private @Nullable Integer patch;

    @Option(names = "--width", description = "hidden size (default " + DEFAULT_WIDTH + ")")
    private @Nullable Integer width;

    @Option(names = "--depth", description = "blocks (default " + DEFAULT_DEPTH + ")")
    private @Nullable Integer depth;

    @Option(names = "--heads", description = "attention heads (default " + DEFAULT_HEADS + ")")
    private @Nullable Integer heads;

    @Option(
            names = "--label-std",
            paramLabel = "STD",
            description = "start with labels this far apart, subclasses around their superclass; default: as the"
                    + " reference, 0.02 and no tiers")
    private @Nullable Double labelStd;

    @Option(names = "--prediction", description = "epsilon or v_prediction (default epsilon)")
    private @Nullable PredictionType prediction;

    @Nullable
    Path autoencoder() {
        return autoencoder;
    }

    ModelConfig config(String name, Codec codec, int imageSize, Taxonomy taxonomy, double guidance) {
        DiTConfig dit = new DiTConfig(
                imageSize / codec.downsampling(),
                Objects.requireNonNullElse(patch, DEFAULT_PATCH),
                codec.latentChannels(),
                Objects.requireNonNullElse(width, DEFAULT_WIDTH),
                Objects.requireNonNullElse(depth, DEFAULT_DEPTH),
                Objects.requireNonNullElse(heads, DEFAULT_HEADS),
                taxonomy.subclasses().size(),
                taxonomy.superclasses().size(),
                false);
        return new ModelConfig(
                name,
                dit,
                Objects.requireNonNullElse(prediction, PredictionType.EPSILON),
                NoiseSchedule.DIT,
                autoencoder == null ? ModelConfig.PIXEL : ModelConfig.AUTOENCODER,
                new ModelConfig.Defaults(guidance, dit.inChannels()));
    }

    Map<String, NDArray> initialise(NDManager manager, DiTConfig dit, Taxonomy taxonomy) {
        Map<String, NDArray> parameters = DiTParameters.initialise(manager, dit);
        if (labelStd != null) {
            parameters.putAll(DiTParameters.tieredLabels(manager, dit, taxonomy::superclassOf, labelStd));
        }
        return parameters;
    }

    /** Refuses options that say otherwise than the model that is trained further. */
    void requireSame(CommandSpec command, BaseModel base) throws IOException {
        DiTConfig dit = base.config().dit();
        requireSame(command, "--patch", patch, dit.patchSize());
        requireSame(command, "--width", width, dit.hiddenSize());
        requireSame(command, "--depth", depth, dit.depth());
        requireSame(command, "--heads", heads, dit.numHeads());
        requireSame(command, "--prediction", prediction, base.config().prediction());
        requireSame(command, "--label-std", labelStd, "labels of its own");
        Path itsOwn = base.autoencoder();
        if (autoencoder != null
                && (itsOwn == null || !AutoencoderFiles.hash(autoencoder).equals(AutoencoderFiles.hash(itsOwn)))) {
            throw Usage.wrong(
                    command,
                    "--autoencoder is " + autoencoder + ", but the model of --from has "
                            + (itsOwn == null ? "none" : "another") + "; leave the option out");
        }
    }

    static void requireSame(CommandSpec command, String option, @Nullable Object given, Object itsOwn) {
        if (given != null && !given.equals(itsOwn)) {
            throw Usage.wrong(
                    command,
                    option + " is " + given + ", but the model of --from has " + itsOwn + "; leave the option out");
        }
    }
}
