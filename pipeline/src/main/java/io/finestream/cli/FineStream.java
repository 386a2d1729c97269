package io.finestream.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/** The program {@code finestream}. */
@Command(
        name = "finestream",
        mixinStandardHelpOptions = true,
        version = FineStream.VERSION,
        synopsisSubcommandLabel = "COMMAND",
        description = "Streaming image generation behind Kafka.",
        footer = {"", "'finestream COMMAND --help' explains a command and ends with an example."},
        subcommands = {
            DemoCommand.class,
            RunCommand.class,
            GenerateCommand.class,
            RequestCommand.class,
            CancelCommand.class,
            ImagesCommand.class,
            IngestCommand.class,
            TopicsCommand.class,
            ModelsCommand.class,
            TrainCommand.class,
            TuneCommand.class,
            TrainAutoencoderCommand.class,
            TrainClassifierCommand.class,
            InspectCommand.class,
            ConvertCommand.class,
            TaxonomyCommand.class,
            EvaluateCommand.class,
            BenchCommand.class,
            FlowersCommand.class
        })
public final class FineStream {

    static final String VERSION = "finestream 0.1.0";

    @Option(names = "--verbose", scope = ScopeType.INHERIT, description = "show the stack trace of an error")
    private boolean verbose;

    private FineStream() {}

    public static void main(String[] args) {
        if (System.getProperty("java.awt.headless") == null) {
            System.setProperty("java.awt.headless", "true"); // images are drawn, windows are not
        }
        int code = commandLine().execute(args);
        if (FineStream.class.getClassLoader() == ClassLoader.getSystemClassLoader()) {
            System.exit(code);
        }
        if (code != 0) { // under flink run, whose process is not ours to end
            throw new IllegalStateException("finestream ended with code " + code);
        }
    }

    static CommandLine commandLine() {
        FineStream program = new FineStream();
        OneLineErrors errors = new OneLineErrors(() -> program.verbose);
        CommandLine commandLine = new CommandLine(program)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setUsageHelpAutoWidth(true)
                .setExecutionExceptionHandler(errors)
                .setParameterExceptionHandler(errors);
        setVersion(commandLine);
        return commandLine;
    }

    /** {@code --version} says the same after every command. */
    private static void setVersion(CommandLine commandLine) {
        commandLine.getCommandSpec().version(VERSION);
        commandLine.getSubcommands().values().forEach(FineStream::setVersion);
    }
}
