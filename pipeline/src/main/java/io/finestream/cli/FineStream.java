package io.finestream.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The program {@code finestream}. */
@Command(
        name = "finestream",
        mixinStandardHelpOptions = true,
        version = "finestream 0.1.0",
        description = "Streaming image generation behind Kafka.",
        subcommands = {FlowersCommand.class, TrainCommand.class})
public final class FineStream {

    private FineStream() {}

    public static void main(String[] args) {
        System.exit(commandLine().execute(args));
    }

    static CommandLine commandLine() {
        return new CommandLine(new FineStream())
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setUsageHelpAutoWidth(true);
    }
}
