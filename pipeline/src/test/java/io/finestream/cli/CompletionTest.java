package io.finestream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The script in a real bash. */
class CompletionTest {

    @TempDir
    Path directory;

    @Test
    void commandsAreCompleted() throws Exception {
        assertThat(completed("mod")).containsExactly("models");
        assertThat(completed("models", "ro")).containsExactly("rollback");
    }

    @Test
    void optionsAreCompleted() throws Exception {
        assertThat(completed("run", "--max-p")).containsExactly("--max-pending");
    }

    private List<String> completed(String... words) throws IOException, InterruptedException {
        CommandLineRun run = CommandLineRun.of("completion");
        assertThat(run.exitCode()).isZero();
        Path script = Files.writeString(directory.resolve("completion"), run.out());
        String ask =
                "source '%s'; COMP_WORDS=(finestream %s); COMP_CWORD=%d; _complete_finestream; printf '%%s\\n' \"${COMPREPLY[@]}\""
                        .formatted(script, String.join(" ", words), words.length);
        Process bash = new ProcessBuilder("bash", "--norc", "-c", ask)
                .redirectError(directory.resolve("errors").toFile())
                .start();
        String out = new String(bash.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(bash.waitFor()).isZero();
        return out.lines().map(String::strip).toList();
    }
}
