package io.finestream.cli;

import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** Mistakes on the command line that its syntax does not catch. */
final class Usage {

    private Usage() {}

    static void requireAtLeast(CommandSpec command, String option, long value, long least) {
        if (value < least) {
            throw wrong(command, option + " is " + value + ", expected at least " + least);
        }
    }

    static ParameterException wrong(CommandSpec command, String message) {
        return new ParameterException(command.commandLine(), message);
    }
}
