package io.finestream.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

@Command(
        name = "config",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Says what a command would use, and where each value comes from.",
            "What is on the command line holds; else a variable of the environment; else a file: the one of --config or"
                    + " of FINESTREAM_CONFIG, or the first of finestream.properties in the working directory and"
                    + " ~/.config/finestream/config.properties.",
            "The option --max-pending of 'run' is FINESTREAM_RUN_MAX_PENDING, or FINESTREAM_MAX_PENDING for every command"
                    + " that has it; in a file run.max-pending=100 or max-pending=100. A repeatable option has one value"
                    + " there. Options of which only one may be given are set on the command line alone."
        },
        footer = {
            "",
            "Examples:",
            "  finestream config --show run",
            "  finestream config --show --json run --max-pending 100",
            "  finestream --config production.properties config --show models list"
        })
final class ConfigCommand implements Callable<Integer> {

    private static final Pattern SECRET = Pattern.compile("(?i)((?:password|secret|token|jaas)[^=,]*=)[^}]*");

    private static final String FILE_OPTION = "--" + Settings.FILE;

    /** @param from as people call the place */
    private record Row(String option, @Nullable String value, String from) {}

    @Option(names = "--show", required = true, description = "print it")
    @SuppressWarnings("UnusedVariable") // there is nothing else to do yet
    private boolean show;

    @Option(names = "--json", description = "one JSON object per line")
    private boolean json;

    @Parameters(
            arity = "1..*",
            paramLabel = "COMMAND",
            description = "a command, with options of it if they are to count")
    private List<String> words = List.of();

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec command;

    @Override
    public Integer call() throws IOException {
        Settings own = (Settings) command.root().commandLine().getDefaultValueProvider();
        CommandLine program = FineStream.commandLine(own.places());
        program.setErr(command.commandLine().getErr());
        ParseResult meant = parse(program, own);
        Settings settings = (Settings) program.getDefaultValueProvider();
        settings.check(program);
        List<Row> rows = new ArrayList<>();
        for (OptionSpec option : meant.commandSpec().options()) {
            if (!option.usageHelp() && !option.versionHelp()) {
                rows.add(row(option, meant, settings));
            }
        }
        print(rows);
        return 0;
    }

    /** As the program would parse it, but with what is missing still missing. */
    private ParseResult parse(CommandLine program, Settings own) {
        collectErrors(program);
        List<String> args = new ArrayList<>();
        if (words.stream().noneMatch(word -> word.startsWith(FILE_OPTION))) {
            own.file().ifPresent(file -> args.addAll(List.of(FILE_OPTION, file.toString())));
        }
        args.addAll(words);
        ParseResult parsed = program.parseArgs(args.toArray(String[]::new));
        requireNoMistake(parsed);
        while (parsed.hasSubcommand()) {
            parsed = parsed.subcommand();
            requireNoMistake(parsed);
        }
        return parsed;
    }

    private static void requireNoMistake(ParseResult parsed) {
        if (!parsed.unmatched().isEmpty()) {
            throw new UnmatchedArgumentException(parsed.commandSpec().commandLine(), parsed.unmatched());
        }
        for (Exception error : parsed.errors()) {
            if (error instanceof ParameterException mistake && !(mistake instanceof MissingParameterException)) {
                throw mistake;
            }
        }
    }

    private static void collectErrors(CommandLine commandLine) {
        commandLine.getCommandSpec().parser().collectErrors(true);
        commandLine.getSubcommands().values().forEach(ConfigCommand::collectErrors);
    }

    private Row row(OptionSpec option, ParseResult meant, Settings settings) throws IOException {
        String name = option.longestName();
        if (name.equals(FILE_OPTION)) {
            Optional<Path> file = settings.file();
            return new Row(name, file.map(Path::toString).orElse(null), "the file in force");
        }
        if (meant.hasMatchedOption(option)) {
            return new Row(name, String.join(",", meant.matchedOption(name).originalStringValues()), "command line");
        }
        Optional<Settings.Setting> setting = settings.of(option);
        if (setting.isPresent()) {
            return new Row(name, setting.get().value(), setting.get().from());
        }
        Object initial = option.initialValue();
        return new Row(name, initial == null ? null : String.valueOf(initial), "default");
    }

    private void print(List<Row> rows) {
        PrintWriter out = command.commandLine().getOut();
        int width = rows.stream().mapToInt(row -> row.option().length()).max().orElse(0);
        for (Row row : rows) {
            String value = row.value() == null ? null : withoutSecrets(row.value());
            if (json) {
                ObjectNode line = new ObjectMapper().createObjectNode();
                out.println(line.put("option", row.option()).put("value", value).put("from", row.from()));
            } else {
                String shown = value == null ? "(not set)" : value.isEmpty() ? "(empty)" : Printable.of(value);
                out.println(row.option() + " ".repeat(width - row.option().length() + 2) + shown + "  # " + row.from());
            }
        }
        out.flush();
    }

    private static String withoutSecrets(String value) {
        return SECRET.matcher(value).replaceAll("$1***");
    }
}
