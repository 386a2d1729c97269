package io.finestream.cli;

import io.finestream.kafka.Rollback;
import io.finestream.kafka.VersionHistory;
import io.finestream.kafka.VersionPublisher;
import io.finestream.versions.BaseTensors;
import io.finestream.weights.GenerativeModel;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "rollback",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Publishes the tensors of an earlier version as a new one.",
            "Generators go over to it as to any other. Classes that the earlier version did not know stay as they are."
                    + " Version 0 is the base model (--model)."
        },
        footer = {"", "Example:", "  finestream models rollback 12 --adapters adapters"})
final class ModelsRollbackCommand implements Callable<Integer> {

    private static final String PUBLISHER = "finestream models";

    @Parameters(paramLabel = "VERSION", description = "number of the version to go back to")
    private long number;

    @Mixin
    private AdapterOptions adapters = new AdapterOptions();

    @Mixin
    private KafkaOptions kafka = new KafkaOptions();

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec command;

    @Override
    public Integer call() throws IOException {
        Usage.requireAtLeast(command, "VERSION", number, 0);
        try (GenerativeModel model = adapters.base()) {
            BaseTensors base = model == null ? null : new BaseTensors(model);
            try (VersionHistory history = kafka.versions(base);
                    VersionPublisher publisher = new VersionPublisher(
                            kafka.clientProperties(), kafka.topics().parameters(), kafka.wireFormat())) {
                long published = new Rollback(history, publisher, adapters.files(), base, PUBLISHER).to(number);
                PrintWriter out = command.commandLine().getOut();
                out.printf("version %d has the tensors of version %d%n", published, number);
                out.flush();
                return 0;
            }
        }
    }
}
