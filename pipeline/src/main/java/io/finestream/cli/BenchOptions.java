package io.finestream.cli;

import io.finestream.dit.ComputeType;
import io.finestream.flink.Devices;
import io.finestream.torch.TorchOps;
import io.finestream.weights.GenerativeModel;
import io.finestream.weights.ModelDirectory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** What measurements of a model have in common: which model, how it computes, and where the results go. */
final class BenchOptions {

    @Spec(Spec.Target.MIXEE)
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec command;

    @Option(
            names = "--model",
            paramLabel = "MODEL",
            description = "a model directory, a pipeline of diffusers, a checkpoint, or a model that ships"
                    + " (default ${DEFAULT-VALUE})")
    private String model = "flowers";

    @Option(names = "--dtype", paramLabel = "TYPE", description = "fp32 or bf16 (default fp32)")
    private @Nullable ComputeType dtype;

    @Option(names = "--device", paramLabel = "NAME", description = "auto, cpu or gpu (default ${DEFAULT-VALUE})")
    private String device = "auto";

    @Option(
            names = "--rows",
            paramLabel = "N",
            description = "most rows of one pass of the network; a guided image takes two (default ${DEFAULT-VALUE})")
    private int rows = 24;

    @Option(names = "--threads", paramLabel = "N", description = "threads of the engine (default: all processors)")
    private int threads = Runtime.getRuntime().availableProcessors();

    @Option(names = "--json", paramLabel = "FILE", description = "file for the results")
    private @Nullable Path json;

    void check() {
        Usage.requireAtLeast(command, "--rows", rows, 2);
        Usage.requireAtLeast(command, "--threads", threads, 1);
    }

    /** Loads the model, and prepares this thread for it. */
    GenerativeModel load() throws IOException {
        return load(dtype());
    }

    /** The same in other arithmetic. */
    GenerativeModel load(ComputeType type) throws IOException {
        TorchOps.prepareThread(threads, false);
        return GenerativeModel.load(modelPath(), Devices.first(device), type);
    }

    Path modelPath() throws IOException {
        return ModelDirectory.locate(model);
    }

    String model() {
        return model;
    }

    ComputeType dtype() {
        return Objects.requireNonNullElse(dtype, ComputeType.FP32);
    }

    /** Of a measurement that compares both. */
    void refuseDtype() {
        if (dtype != null) {
            throw Usage.wrong(command, "--dtype is " + dtype + ", but both types are compared; leave the option out");
        }
    }

    int rows() {
        return rows;
    }

    int threads() {
        return threads;
    }

    /** As in {@code flowers, 24 rows, 2 threads}. */
    @Override
    public String toString() {
        return model + ", " + Counted.of(rows, "row") + ", " + Counted.of(threads, "thread");
    }

    /** Writes the results, where a file for them was named. */
    void write(Object results) throws IOException {
        if (json != null) {
            JsonFile.write(json, results);
        }
    }
}
