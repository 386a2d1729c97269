package io.finestream.cli;

import java.io.PrintWriter;
import java.io.StringWriter;
import picocli.CommandLine;

/** What the program {@code finestream} said and returned. */
record CommandLineRun(int exitCode, String out, String err) {

    static CommandLineRun of(Object... args) {
        return of(FineStream.commandLine(), args);
    }

    /** With settings from these places alone. */
    static CommandLineRun in(SettingPlaces places, Object... args) {
        return of(FineStream.commandLine(places), args);
    }

    private static CommandLineRun of(CommandLine program, Object... args) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        program.setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
        String[] texts = new String[args.length];
        for (int i = 0; i < args.length; i++) {
            texts[i] = String.valueOf(args[i]);
        }
        int exitCode = program.execute(texts);
        return new CommandLineRun(exitCode, out.toString(), err.toString());
    }
}
