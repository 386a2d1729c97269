package io.finestream.cli;

import io.finestream.weights.ModelChoice;
import io.finestream.weights.PyTorchCheckpoint;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which files make the model that is named, and how they are read. */
final class ModelFileOptions {

    @Option(
            names = "--use",
            paramLabel = "PART",
            description = "of a training checkpoint: ema or model (default ${DEFAULT-VALUE})")
    private PyTorchCheckpoint.Part part = PyTorchCheckpoint.Part.EMA;

    @Option(
            names = "--weights",
            paramLabel = "FILE",
            description = "safetensors or torch.save file to use in place of the model's")
    private @Nullable Path weights;

    @Option(
            names = "--adapter",
            paramLabel = "FILE",
            description = "safetensors of tuned parameters that replace the model's")
    private @Nullable Path adapter;

    @Option(names = "--taxonomy", paramLabel = "FILE", description = "classes to use in place of the model's")
    private @Nullable Path taxonomy;

    @Option(
            names = "--vae",
            paramLabel = "DIR",
            description = "autoencoder to use in place of the model's, as diffusers saves it")
    private @Nullable Path vae;

    @Option(
            names = "--diffusers-numerics",
            description = "compute as diffusers' DiTPipeline, to its pixels; the weights were trained with other"
                    + " timestep frequencies and another epsilon")
    private boolean diffusersNumerics;

    /** @param model a path, or the name of a model that ships */
    ModelChoice of(String model) {
        return new ModelChoice(
                model,
                absolute(weights),
                absolute(taxonomy),
                absolute(vae),
                absolute(adapter),
                part,
                diffusersNumerics);
    }

    private static @Nullable String absolute(@Nullable Path path) {
        return path == null ? null : path.toAbsolutePath().toString();
    }
}
