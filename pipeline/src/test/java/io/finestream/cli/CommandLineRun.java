package io.finestream.cli;

import java.io.PrintWriter;
import java.io.StringWriter;
import picocli.CommandLine;

/** What the program {@code finestream} said and returned. */
record CommandLineRun(int exitCode, String out, String err) {

    static CommandLineRun of(Object... args) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine program =
                FineStream.commandLine().setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
        String[] texts = new String[args.length];
        for (int i = 0; i < args.length; i++) {
            texts[i] = String.valueOf(args[i]);
        }
        int exitCode = program.execute(texts);
        return new CommandLineRun(exitCode, out.toString(), err.toString());
    }
}
