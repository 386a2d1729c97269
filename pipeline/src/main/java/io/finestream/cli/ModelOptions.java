package io.finestream.cli;

import io.finestream.weights.ModelChoice;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The model that a command runs, and on what. */
final class ModelOptions {

    @Spec(Spec.Target.MIXEE)
    private @Nullable CommandSpec command;

    @Option(
            names = "--model",
            paramLabel = "MODEL",
            description = "a model directory, a pipeline of diffusers, a checkpoint of DiT or FineDiffusion, or a model"
                    + " that ships (default ${DEFAULT-VALUE})")
    private String model = "flowers";

    @Mixin
    private ModelFileOptions files = new ModelFileOptions();

    @Option(names = "--device", paramLabel = "NAME", description = "auto, cpu or gpu (default ${DEFAULT-VALUE})")
    private String device = "auto";

    /** As it was named. */
    String name() {
        return model;
    }

    ModelChoice choice() {
        return files.of(model);
    }

    /**
     * The same of a job that publishes or follows versions: they are rows and tensors that differ from those of the base,
     * which an adapter would change without its hash telling.
     */
    ModelChoice choiceWithoutAdapter(String remedy) {
        if (choice().adapter() != null) {
            String message = "--adapter changes the model that versions of the parameters are made of; " + remedy;
            throw command == null ? new IllegalArgumentException(message) : Usage.wrong(command, message);
        }
        return choice();
    }

    String device() {
        return device;
    }
}
