package io.finestream.cli;

import io.finestream.kafka.VersionHistory;
import io.finestream.schemas.GateResult;
import io.finestream.schemas.OffsetRange;
import io.finestream.schemas.ParameterVersion;
import io.finestream.schemas.TaxonomyEntry;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "show",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Shows all that is known about a version.",
        footer = {"", "Example:", "  finestream models show 12"})
final class ModelsShowCommand implements Callable<Integer> {

    @Parameters(paramLabel = "VERSION", description = "number of the version")
    private long number;

    @Option(names = "--json", description = "as a JSON object")
    private boolean json;

    @Mixin
    private KafkaOptions kafka = new KafkaOptions();

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec command;

    @Override
    public Integer call() throws IOException {
        PrintWriter out = command.commandLine().getOut();
        try (VersionHistory history = kafka.versions(null)) {
            ParameterVersion version = history.find(number);
            if (json) {
                out.println(RecordJson.write(version));
            } else {
                print(out, version);
            }
        }
        out.flush();
        return 0;
    }

    private static void print(PrintWriter out, ParameterVersion version) {
        Long parent = version.getParent();
        line(out, "version", Long.toString(version.getVersion()));
        line(out, "parent", parent == null ? "0, the base model" : parent.toString());
        line(out, "base model", version.getBaseModelHash());
        line(out, "published", version.getCreatedAt() + " by " + version.getPublisher());
        line(out, "step", Long.toString(version.getStep()));
        Double loss = version.getTrainingLoss();
        if (loss != null) {
            line(out, "loss", String.format(Locale.ROOT, "%.4g, average in training", loss));
        }
        line(out, "slices", Integer.toString(version.getSlices()));
        for (TaxonomyEntry added : version.getTaxonomyDelta()) {
            line(out, "new class", added.getSubclass() + " in " + added.getSuperclass());
        }
        for (GateResult result : version.getGate()) {
            line(out, "gate", result.getGroup() + ": " + ModelsListCommand.figure(result));
        }
        for (OffsetRange range : version.getTrainedOffsets()) {
            line(
                    out,
                    "trained on",
                    range.getTopic() + "-" + range.getPartition() + ", offsets " + range.getFirstOffset() + " to "
                            + range.getLastOffset());
        }
        if (!version.getComment().isEmpty()) {
            line(out, "comment", version.getComment());
        }
    }

    private static void line(PrintWriter out, String what, String value) {
        out.printf("%-11s %s%n", what, Printable.of(value));
    }
}
