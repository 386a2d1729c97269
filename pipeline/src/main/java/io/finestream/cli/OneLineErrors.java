package io.finestream.cli;

import io.finestream.dit.UnknownClassException;
import io.finestream.schemas.wire.RegistryException;
import io.finestream.weights.WeightsException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.function.BooleanSupplier;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.TimeoutException;
import picocli.CommandLine;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.IParameterExceptionHandler;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.UnmatchedArgumentException;

/** Says in one line what went wrong. Exit codes: 1 for an error, 2 for a command line or a configuration that is wrong. */
final class OneLineErrors implements IExecutionExceptionHandler, IParameterExceptionHandler {

    private static final int MOST_CAUSES = 3;

    private final BooleanSupplier verbose;

    /** @param verbose whether stack traces are wanted */
    OneLineErrors(BooleanSupplier verbose) {
        this.verbose = verbose;
    }

    @Override
    public int handleExecutionException(Exception e, CommandLine command, ParseResult parsed) {
        print(e, oneLine(e), command.getErr());
        return ExitCode.SOFTWARE;
    }

    @Override
    public int handleParseException(ParameterException e, String[] args) {
        CommandLine command = e.getCommandLine();
        String said = withoutStop(firstLine(String.valueOf(e.getMessage())));
        String message = said.equals("Missing required subcommand")
                ? "a command is missing, expected "
                        + String.join(", ", command.getSubcommands().keySet())
                : said;
        List<String> suggestions =
                e instanceof UnmatchedArgumentException unmatched ? unmatched.getSuggestions() : List.of();
        String meant = suggestions.isEmpty()
                ? ""
                : ", did you mean " + String.join(" or ", suggestions.subList(0, Math.min(2, suggestions.size())));
        String source = source(e);
        String help = command.getCommandSpec().qualifiedName() + " --help";
        print(e, message + source + meant + "; try '" + help + "'", command.getErr());
        return ExitCode.USAGE;
    }

    /** Where a value comes from that the command line does not have. */
    private static String source(ParameterException e) {
        if (!(e.getArgSpec() instanceof OptionSpec option)
                || !(e.getCommandLine().getDefaultValueProvider() instanceof Settings settings)) {
            return "";
        }
        try {
            return settings.of(option)
                    .filter(setting -> setting.value().equals(e.getValue()))
                    .map(setting -> ", from " + setting.from())
                    .orElse("");
        } catch (IOException unreadable) {
            return "";
        }
    }

    private void print(Exception e, String message, PrintWriter err) {
        err.println("finestream: " + message);
        if (verbose.getAsBoolean()) {
            e.printStackTrace(err);
        }
        err.flush();
    }

    /** The message of the first exception that says everything itself, or else those of the whole chain. */
    static String oneLine(Throwable error) {
        List<String> messages = new ArrayList<>();
        Throwable outermost = unwrapped(error);
        for (Throwable e = outermost; e != null; e = e.getCause()) {
            if (saysItAll(e)) {
                String all = firstLine(message(e));
                return messages.stream()
                        .filter(said -> said.contains(all))
                        .findFirst()
                        .orElse(all);
            }
            String message = withoutStop(firstLine(message(e)));
            if (messages.size() < MOST_CAUSES && messages.stream().noneMatch(said -> said.contains(message))) {
                messages.removeIf(message::contains);
                messages.add(message);
            }
            if (e instanceof IOException) {
                break; // the causes of our own are repeated in their messages
            }
        }
        String all = String.join(": ", messages);
        boolean bug = outermost instanceof RuntimeException
                && !(outermost instanceof IllegalArgumentException || outermost instanceof KafkaException);
        return bug
                ? "internal error, " + outermost.getClass().getSimpleName() + ": " + all
                        + "; run again with --verbose and report what it prints"
                : all;
    }

    private static Throwable unwrapped(Throwable e) {
        Throwable cause = e.getCause();
        boolean wrapper = e instanceof ExecutionException
                || e instanceof CompletionException
                || e instanceof UncheckedIOException;
        return wrapper && cause != null ? unwrapped(cause) : e;
    }

    private static boolean saysItAll(Throwable e) {
        return e instanceof WeightsException || e instanceof RegistryException || e instanceof UnknownClassException;
    }

    private static String message(Throwable e) {
        if (e instanceof TimeoutException) {
            return "Kafka did not answer in time (" + e.getMessage() + "); is it running, and is the address right?";
        }
        if (e instanceof FileSystemException file) {
            return "cannot use " + file.getFile() + ": " + reason(file);
        }
        String message = e.getMessage();
        return message == null || message.isBlank() ? e.getClass().getSimpleName() : message;
    }

    private static String reason(FileSystemException e) {
        if (e instanceof NoSuchFileException) {
            return "there is no such file or folder";
        }
        if (e instanceof AccessDeniedException) {
            return "no permission";
        }
        if (e instanceof NotDirectoryException) {
            return "it is not a folder";
        }
        return Objects.requireNonNullElse(e.getReason(), "something of this name is in the way");
    }

    private static String firstLine(String text) {
        return text.lines()
                .map(String::strip)
                .filter(line -> !line.isEmpty())
                .findFirst()
                .orElse("");
    }

    private static String withoutStop(String sentence) {
        return sentence.endsWith(".") ? sentence.substring(0, sentence.length() - 1) : sentence;
    }
}
