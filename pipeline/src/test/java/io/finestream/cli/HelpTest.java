package io.finestream.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;

class HelpTest {

    private static final Path NOWHERE = Path.of("nowhere");
    private static final Pattern WORD = Pattern.compile("(?:'[^']*'|\"[^\"]*\"|[^\\s'\"])+");
    private static final Pattern BEHIND_THE_COMMAND = Pattern.compile("\\s[|>#&]\\s?.*$");

    static Stream<String> commands() {
        return commands("", FineStream.commandLine());
    }

    private static Stream<String> commands(String name, CommandLine command) {
        return Stream.concat(
                Stream.of(name.strip()),
                command.getSubcommands().entrySet().stream()
                        .flatMap(sub -> commands(name + " " + sub.getKey(), sub.getValue())));
    }

    @Test
    void allCommandsAreWalked() {
        assertThat(commands()).contains("", "demo", "models rollback", "bench quality", "config", "completion");
    }

    @ParameterizedTest
    @MethodSource("commands")
    void everyHelpEndsWithExamplesThatParse(String name) {
        CommandLineRun help = CommandLineRun.of(
                Stream.concat(words(name).stream(), Stream.of("--help")).toArray());

        assertThat(help.exitCode()).isZero();
        assertThat(help.err()).isEmpty();
        assertThat(help.out()).contains("Exit codes:");
        List<String> examples = examples(name);
        assertThat(examples).as("examples of '%s'", name).isNotEmpty();
        assertThat(examples).anyMatch(example -> example.startsWith(name) || example.startsWith("--"));
        for (String example : examples) {
            assertThatCode(() -> FineStream.commandLine(new SettingPlaces(Map.of(), NOWHERE, NOWHERE))
                            .parseArgs(words(example).toArray(String[]::new)))
                    .as(example)
                    .doesNotThrowAnyException();
        }
    }

    /** What comes after {@code finestream}, lines that go on joined. */
    private static List<String> examples(String name) {
        CommandLine command = FineStream.commandLine();
        for (String word : words(name)) {
            command = command.getSubcommands().get(word);
        }
        String footer =
                String.join("\n", command.getCommandSpec().usageMessage().footer());
        int start = footer.indexOf("Example");
        return start < 0
                ? List.of()
                : footer.substring(start)
                        .replaceAll("\\\\\n\\s*", "")
                        .lines()
                        .map(HelpTest::afterProgram)
                        .filter(example -> !example.isEmpty())
                        .toList();
    }

    private static String afterProgram(String line) {
        Matcher program = Pattern.compile("^  .*?(?:finestream|finestream\\.jar)\\s+([^)]*)\\)?$")
                .matcher(line);
        return program.matches()
                ? BEHIND_THE_COMMAND.matcher(program.group(1)).replaceFirst("").strip()
                : "";
    }

    /** As a shell takes them apart. */
    private static List<String> words(String line) {
        return WORD.matcher(line)
                .results()
                .map(word -> word.group().replaceAll("['\"]", ""))
                .toList();
    }
}
