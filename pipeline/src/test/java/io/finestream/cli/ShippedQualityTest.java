package io.finestream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The shipped model in the eyes of the shipped classifier, on fewer images than the figures of model-assets/README.md. */
class ShippedQualityTest {

    @TempDir
    Path dir;

    @Test
    void generatedFlowersAreTakenForWhatTheyAreMeantToBe() throws IOException {
        Path real = dir.resolve("real");
        Path json = dir.resolve("evaluation.json");
        run("flowers", "--out", real, "--species", 3, "--images", 2, "--seed", 7);
        run("evaluate", "--real", real, "--images", 1, "--steps", 20, "--seed", 5, "--json", json);

        JsonNode evaluation = new ObjectMapper().readTree(json.toFile()).path("evaluation");
        assertThat(evaluation.path("made").path("images").asInt()).isEqualTo(33);
        assertThat(evaluation.path("made").path("superclass").asDouble()).isGreaterThanOrEqualTo(0.9);
        assertThat(evaluation.path("made").path("subclass").asDouble()).isGreaterThanOrEqualTo(0.6);
        assertThat(evaluation.path("real").path("superclass").asDouble()).isGreaterThanOrEqualTo(0.98);
        assertThat(evaluation.path("real").path("subclass").asDouble()).isGreaterThanOrEqualTo(0.9);
    }

    private static void run(Object... args) {
        CommandLineRun run = CommandLineRun.of(args);
        assertThat(run.err()).isEmpty();
        assertThat(run.exitCode()).isZero();
    }
}
