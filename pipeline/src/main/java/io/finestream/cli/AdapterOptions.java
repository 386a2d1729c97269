package io.finestream.cli;

import ai.djl.Device;
import io.finestream.dit.ComputeType;
import io.finestream.kafka.AdapterFiles;
import io.finestream.torch.TorchOps;
import io.finestream.weights.GenerativeModel;
import io.finestream.weights.ModelDirectory;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Where the tensors are that the parameters topic does not hold. */
final class AdapterOptions {

    @Option(
            names = "--adapters",
            paramLabel = "DIR",
            description = "folder of the fine-tuning job's files adapter-N.safetensors")
    private @Nullable Path directory;

    @Option(
            names = "--model",
            paramLabel = "DIR|NAME",
            description = "the base model that the versions were trained on")
    private @Nullable String model;

    /** The base model, or null if none is named; close it. */
    @Nullable
    GenerativeModel base() throws IOException {
        TorchOps.prepareThread(1, false);
        return model == null
                ? null
                : GenerativeModel.load(ModelDirectory.locate(model), Device.cpu(), ComputeType.FP32);
    }

    AdapterFiles files() {
        return new AdapterFiles(directory);
    }
}
