package io.finestream.cli;

import java.io.PrintWriter;
import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

@Command(
        name = "completion",
        mixinStandardHelpOptions = true,
        description = {
            "Prints a script that completes commands and options in bash and in zsh.",
            "It is for a command or an alias 'finestream'."
        },
        footer = {"", "Example:", "  source <(finestream completion)"})
final class CompletionCommand implements Runnable {

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec command;

    @Override
    public void run() {
        CommandSpec program = command.root();
        PrintWriter out = command.commandLine().getOut();
        out.print(AutoComplete.bash(program.name(), program.commandLine()));
        out.flush();
    }
}
