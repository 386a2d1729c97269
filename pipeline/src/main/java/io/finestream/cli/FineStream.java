package io.finestream.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.RunLast;
import picocli.CommandLine.ScopeType;

/** The program {@code finestream}. */
@Command(
        name = "finestream",
        mixinStandardHelpOptions = true,
        version = FineStream.VERSION,
        synopsisSubcommandLabel = "COMMAND",
        description = "Streaming image generation behind Kafka.",
        footer = {
            "",
            "'finestream COMMAND --help' explains a command and ends with an example. Options that are not given come from"
                    + " the environment, as FINESTREAM_BOOTSTRAP_SERVERS, or from a file: 'finestream config --help'.",
            "",
            "Examples:",
            "  finestream demo",
            "  finestream generate --class tulip --out tulips"
        },
        subcommands = {
            DemoCommand.class,
            RunCommand.class,
            GenerateCommand.class,
            RequestCommand.class,
            CancelCommand.class,
            ImagesCommand.class,
            GalleryCommand.class,
            IngestCommand.class,
            TopicsCommand.class,
            ModelsCommand.class,
            TrainCommand.class,
            TuneCommand.class,
            TrainAutoencoderCommand.class,
            TrainClassifierCommand.class,
            InspectCommand.class,
            EmbeddingsCommand.class,
            ConvertCommand.class,
            TaxonomyCommand.class,
            EvaluateCommand.class,
            BenchCommand.class,
            FlowersCommand.class,
            ConfigCommand.class,
            CompletionCommand.class
        })
public final class FineStream {

    static final String VERSION = "finestream 0.1.0";

    private static final Map<String, String> EXIT_CODES = new TreeMap<>(Map.of(
            String.valueOf(ExitCode.OK), "done",
            String.valueOf(ExitCode.SOFTWARE), "failed; standard error says why in a line",
            String.valueOf(ExitCode.USAGE), "the command line or the configuration is wrong"));

    @Option(names = "--verbose", scope = ScopeType.INHERIT, description = "show the stack trace of an error")
    private boolean verbose;

    @Option(
            names = "--config",
            scope = ScopeType.INHERIT,
            paramLabel = "FILE",
            description = "options that are not given, KEY=VALUE; see 'finestream config --help'")
    private @Nullable Path config;

    private FineStream() {}

    public static void main(String[] args) {
        if (System.getProperty("java.awt.headless") == null) {
            System.setProperty("java.awt.headless", "true"); // images are drawn, windows are not
        }
        if (FineStream.class.getClassLoader() == ClassLoader.getSystemClassLoader()) {
            System.exit(commandLine().execute(args));
        }
        StringWriter errors = new StringWriter();
        int code = commandLine().setErr(new PrintWriter(errors)).execute(args);
        if (code != 0) { // under Flink, whose process is not ours to end, and which shows an exception's message
            throw new IllegalStateException(errors.toString().strip());
        }
        System.err.print(errors);
    }

    static CommandLine commandLine() {
        return commandLine(SettingPlaces.ofThisProcess());
    }

    static CommandLine commandLine(SettingPlaces places) {
        FineStream program = new FineStream();
        Settings settings = new Settings(places, () -> program.config);
        OneLineErrors errors = new OneLineErrors(() -> program.verbose);
        CommandLine commandLine = new CommandLine(program)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setDefaultValueProvider(settings)
                .setToggleBooleanFlags(true) // otherwise a flag negates what is configured
                .setUsageHelpAutoWidth(true)
                .setExecutionExceptionHandler(errors)
                .setParameterExceptionHandler(errors);
        commandLine.setExecutionStrategy(parsed -> execute(parsed, settings));
        commandLine.getSubcommands().values().stream()
                .filter(sub -> sub.getCommand() instanceof ConfigCommand)
                .forEach(sub -> sub.setStopAtPositional(true)); // the rest is another command's
        sayAlike(commandLine);
        return commandLine;
    }

    private static int execute(ParseResult parsed, Settings settings) {
        Integer helped = CommandLine.executeHelpRequest(parsed);
        if (helped != null) {
            return helped;
        }
        CommandLine program = parsed.commandSpec().commandLine();
        try {
            settings.check(program);
        } catch (IOException e) {
            throw new ParameterException(program, OneLineErrors.oneLine(e), e);
        }
        return new RunLast().execute(parsed);
    }

    /** Every command's help lists the exit codes, and {@code --version} says the same after every one. */
    private static void sayAlike(CommandLine commandLine) {
        commandLine.getCommandSpec().version(VERSION);
        commandLine
                .getCommandSpec()
                .usageMessage()
                .exitCodeListHeading("%nExit codes:%n")
                .exitCodeList(EXIT_CODES);
        commandLine.getSubcommands().values().forEach(FineStream::sayAlike);
    }
}
