package io.finestream.cli;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.finestream.kafka.VersionHistory;
import io.finestream.schemas.LiveVersion;
import io.finestream.schemas.ParameterVersion;
import io.finestream.torch.TorchOps;
import io.finestream.versions.BaseTensors;
import io.finestream.versions.TunedModel;
import io.finestream.weights.Adapter;
import io.finestream.weights.GenerativeModel;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "export",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Writes a version's tuned tensors to a file, for 'finestream generate --adapter'.",
            "The newest version is in the topic; rows that no version has changed come from --model. An older one is"
                    + " copied from --adapters."
        },
        footer = {"", "Example:", "  finestream models export 12 --model flowers --out adapter.safetensors"})
final class ModelsExportCommand implements Callable<Integer> {

    @Parameters(paramLabel = "VERSION", description = "number of the version")
    private long number;

    @Option(names = "--out", required = true, paramLabel = "FILE", description = "safetensors to write")
    private Path out = Path.of("");

    @Mixin
    private AdapterOptions adapters = new AdapterOptions();

    @Mixin
    private KafkaOptions kafka = new KafkaOptions();

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec command;

    @Override
    public Integer call() throws IOException {
        Usage.requireAtLeast(command, "VERSION", number, 1);
        try (GenerativeModel model = adapters.base();
                VersionHistory history = kafka.versions(model == null ? null : new BaseTensors(model))) {
            ParameterVersion version = history.find(number);
            long newest = history.newest().getVersion();
            if (number == newest) {
                write(out, history.newestWhole());
            } else {
                Files.copy(adapters.files().file(version, newest), out, StandardCopyOption.REPLACE_EXISTING);
            }
        }
        PrintWriter printer = command.commandLine().getOut();
        printer.printf("version %d, %,d bytes, to %s%n", number, Files.size(out), out);
        printer.flush();
        return 0;
    }

    private static void write(Path file, LiveVersion version) throws IOException {
        try (NDManager m = TorchOps.newManager(Device.cpu())) {
            Map<String, NDArray> tensors = TunedModel.tensors(m, version);
            Adapter.write(
                    file,
                    tensors,
                    new Adapter.Origin(
                            version.getCommit().getBaseModelHash(),
                            version.getCommit().getVersion(),
                            TunedModel.addedClasses(version)));
        }
    }
}
