package io.finestream.cli;

import io.finestream.kafka.VersionHistory;
import io.finestream.schemas.GateResult;
import io.finestream.schemas.ParameterVersion;
import io.finestream.versions.VersionAssembler;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
        name = "list",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Lists every version that was published, the oldest first.",
        footer = {"", "Example:", "  finestream models list --json | jq .comment"})
final class ModelsListCommand implements Callable<Integer> {

    private static final List<String> COLUMNS =
            List.of("version", "parent", "time", "step", "classes", "gate", "publisher", "comment");

    @Option(names = "--json", description = "one JSON object per line, with all that is known")
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
            List<ParameterVersion> versions = history.commits().stream()
                    .map(VersionAssembler.Commit::version)
                    .toList();
            if (json) {
                versions.forEach(version -> out.println(RecordJson.write(version)));
            } else {
                table(versions).forEach(out::println);
            }
        }
        out.flush();
        return 0;
    }

    private static List<String> table(List<ParameterVersion> versions) {
        List<List<String>> rows = new ArrayList<>();
        rows.add(COLUMNS);
        versions.forEach(version -> rows.add(cells(version)));
        int[] widths = new int[COLUMNS.size()];
        for (List<String> row : rows) {
            for (int i = 0; i < widths.length; i++) {
                widths[i] = Math.max(widths[i], row.get(i).length());
            }
        }
        List<String> lines = new ArrayList<>();
        for (List<String> row : rows) {
            StringBuilder line = new StringBuilder();
            for (int i = 0; i < widths.length; i++) {
                line.append(row.get(i)).append(" ".repeat(widths[i] - row.get(i).length() + 2));
            }
            lines.add(line.toString().stripTrailing());
        }
        return lines;
    }

    private static List<String> cells(ParameterVersion version) {
        Long parent = version.getParent();
        int added = version.getTaxonomyDelta().size();
        return List.of(
                Long.toString(version.getVersion()),
                parent == null ? "0" : parent.toString(),
                version.getCreatedAt().toString(),
                Long.toString(version.getStep()),
                added == 0 ? "-" : "+" + added,
                gate(version.getGate()),
                Printable.of(version.getPublisher()),
                Printable.of(version.getComment()));
    }

    /** Each group's error before and after; what it is an error of is in 'models show'. */
    private static String gate(List<GateResult> results) {
        return results.isEmpty()
                ? "-"
                : results.stream()
                        .map(result -> String.format(
                                Locale.ROOT,
                                "%s %.4g > %.4g",
                                Printable.of(result.getGroup()),
                                result.getBefore(),
                                result.getAfter()))
                        .collect(Collectors.joining(", "));
    }

    /** As in {@code loss 0.1042 > 0.1013}. */
    static String figure(GateResult result) {
        return String.format(
                Locale.ROOT, "%s %.4g > %.4g", Printable.of(result.getMetric()), result.getBefore(), result.getAfter());
    }
}
