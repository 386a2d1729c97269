package io.finestream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SettingsTest {

    @TempDir
    Path directory;

    private Path here;
    private Path home;

    @BeforeEach
    void makeFolders() throws IOException {
        here = Files.createDirectory(directory.resolve("here"));
        home = Files.createDirectories(directory.resolve("home"));
    }

    @Test
    void optionsGoBeforeTheEnvironmentAndThatBeforeAFile() throws Exception {
        Path file = write(here.resolve("finestream.properties"), "max-pending=1");
        assertThat(shown("--max-pending", Map.of(), "run")).isEqualTo(new Shown("1", file + ": max-pending"));

        Map<String, String> environment = Map.of("FINESTREAM_MAX_PENDING", "2");
        assertThat(shown("--max-pending", environment, "run")).isEqualTo(new Shown("2", "FINESTREAM_MAX_PENDING"));

        assertThat(shown("--max-pending", environment, "run", "--max-pending", 3))
                .isEqualTo(new Shown("3", "command line"));
    }

    @Test
    void whatNobodySetsIsTheDefault() throws Exception {
        assertThat(shown("--max-pending", Map.of(), "run")).isEqualTo(new Shown("10000", "default"));
        assertThat(shown("--state", Map.of(), "run")).isEqualTo(new Shown("null", "default"));
    }

    @Test
    void aCommandsOwnSettingGoesBeforeThatOfAllCommands() throws Exception {
        write(here.resolve("finestream.properties"), "model=all\nrun.model=mine");
        assertThat(shown("--model", Map.of(), "run").value()).isEqualTo("mine");
        assertThat(shown("--model", Map.of(), "generate").value()).isEqualTo("all");

        Map<String, String> environment = Map.of("FINESTREAM_MODELS_LIST_JSON", "true", "FINESTREAM_JSON", "false");
        assertThat(shown("--json", environment, "models", "list").value()).isEqualTo("true");
        assertThat(shown("--json", environment, "models", "show").value()).isEqualTo("false");
    }

    @Test
    void theFileIsTheOneNamedOrTheFirstThatIsThere() throws Exception {
        Path ofHome = write(home.resolve(".config/finestream/config.properties"), "topic-prefix=home");
        assertThat(shown("--topic-prefix", Map.of(), "run")).isEqualTo(new Shown("home", ofHome + ": topic-prefix"));

        write(here.resolve("finestream.properties"), "topic-prefix=here");
        assertThat(shown("--topic-prefix", Map.of(), "run").value()).isEqualTo("here");

        Path variable = write(directory.resolve("variable"), "topic-prefix=variable");
        Map<String, String> environment = Map.of("FINESTREAM_CONFIG", variable.toString());
        assertThat(shown("--topic-prefix", environment, "run").value()).isEqualTo("variable");

        Path named = write(directory.resolve("named"), "topic-prefix=named");
        assertThat(shown("--topic-prefix", environment, "run", "--config", named)
                        .value())
                .isEqualTo("named");
        CommandLineRun run = run(environment, "--config", named, "config", "--show", "run");
        assertThat(run.out())
                .contains("named  # " + named + ": topic-prefix")
                .contains(named + "  # the file in force");
    }

    @Test
    void aSettingReachesTheCommand() throws Exception {
        Path out = directory.resolve("flowers");
        write(here.resolve("finestream.properties"), "flowers.out=" + out + "\nspecies=1\nimages=1\nflowers.size=32");
        CommandLineRun run = run(Map.of(), "flowers");
        assertThat(run.err()).doesNotContain("finestream:");
        assertThat(run.exitCode()).isZero();
        assertThat(out).isNotEmptyDirectory();
    }

    @Test
    void aFlagThatIsConfiguredAndGivenIsOn() throws Exception {
        Map<String, String> environment = Map.of("FINESTREAM_JSON", "true");
        CommandLineRun run = run(environment, "config", "--show", "run");
        assertThat(run.out().lines()).allMatch(line -> line.startsWith("{"));
        assertThat(run(environment, "config", "--show", "--json", "run").out()).isEqualTo(run.out());
    }

    @Test
    void anUnknownKeyIsAMistake() throws Exception {
        Path file = write(here.resolve("finestream.properties"), "bootstrap-server=here:9092");
        CommandLineRun run = run(Map.of(), "flowers", "--out", directory);
        assertThat(run.err())
                .startsWith("finestream: " + file + ": 'bootstrap-server' is no option that can be set")
                .hasLineCount(1);
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run(Map.of(), "flowers", "--help").exitCode()).isZero();
    }

    @Test
    void aFileThatIsNamedMustBeThere() {
        Path missing = directory.resolve("missing");
        CommandLineRun run = run(Map.of(), "--config", missing, "completion");
        assertThat(run.err())
                .startsWith("finestream: cannot use " + missing + ": there is no such file or folder")
                .hasLineCount(1);
        assertThat(run.exitCode()).isEqualTo(2);
    }

    @Test
    void aValueThatIsWrongIsSaidWithItsPlace() {
        CommandLineRun run = run(Map.of("FINESTREAM_MAX_PENDING", "many"), "run");
        assertThat(run.err())
                .contains("'many'")
                .contains(", from FINESTREAM_MAX_PENDING")
                .hasLineCount(1);
        assertThat(run.exitCode()).isEqualTo(2);
    }

    @Test
    void passwordsAreNotShown() {
        CommandLineRun run = run(Map.of(), "config", "--show", "run", "--property", "ssl.key.password=secret-word");
        assertThat(run.out()).contains("ssl.key.password=***").doesNotContain("secret-word");
    }

    @Test
    void aCommandThatIsNotThereIsAMistake() {
        CommandLineRun run = run(Map.of(), "config", "--show", "rum");
        assertThat(run.err()).contains("'rum'").hasLineCount(1);
        assertThat(run.exitCode()).isEqualTo(2);
    }

    private record Shown(String value, String from) {}

    private Shown shown(String option, Map<String, String> environment, Object... words) throws IOException {
        Object[] args = new Object[words.length + 3];
        args[0] = "config";
        args[1] = "--show";
        args[2] = "--json";
        System.arraycopy(words, 0, args, 3, words.length);
        CommandLineRun run = run(environment, args);
        assertThat(run.err()).isEmpty();
        for (String line : run.out().lines().toList()) {
            JsonNode row = new ObjectMapper().readTree(line);
            if (row.path("option").asText().equals(option)) {
                return new Shown(row.path("value").asText(), row.path("from").asText());
            }
        }
        throw new AssertionError("there is no " + option + " in " + run.out());
    }

    private CommandLineRun run(Map<String, String> environment, Object... args) {
        return CommandLineRun.in(new SettingPlaces(environment, here, home), args);
    }

    private static Path write(Path file, String text) throws IOException {
        Files.createDirectories(file.getParent());
        return Files.writeString(file, text);
    }
}
