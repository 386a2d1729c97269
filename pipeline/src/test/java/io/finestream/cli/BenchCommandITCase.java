package io.finestream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** With a process for each strategy, as the command has them. */
class BenchCommandITCase {

    @TempDir
    Path dir;

    @Test
    void everyStrategyIsMeasuredInTimeAndMemory() throws IOException {
        Path json = dir.resolve("results/tuning.json");
        CommandLineRun run = CommandLineRun.of(
                "bench",
                "tuning",
                "--size",
                "S/8",
                "--image-size",
                64,
                "--batch",
                1,
                "--steps",
                1,
                "--threads",
                1,
                "--json",
                json);
        assertThat(run.err()).isEmpty();
        assertThat(run.out())
                .containsPattern("S/8 +fine-diffusion +3,9[0-9,]+ +10.\\d+ %")
                .contains("full", "bit-fit", "diff-fit", "64 pixels, 1 image per step, median of 1 step, 1 thread");

        JsonNode results = new ObjectMapper().readTree(json.toFile()).path("results");
        assertThat(results).hasSize(4);
        JsonNode fineDiffusion = results.get(0);
        JsonNode full = results.get(1);
        assertThat(full.path("strategy").asText()).isEqualTo("full");
        assertThat(bytes(fineDiffusion)).isPositive().isLessThan((long) (0.8 * bytes(full)));
        // the optimizer's copy, its average, two moments and the gradients
        assertThat(bytes(full)).isGreaterThan(5 * 4 * full.path("tuned").asLong());
        assertThat(full.path("step_millis").asDouble()).isPositive();
    }

    @Test
    void aSizeThatIsNotPublishedIsRefused() {
        assertThat(CommandLineRun.of("bench", "tuning", "--size", "M/2").err())
                .contains("DiT size 'M/2' is not one of the published ones");
    }

    private static long bytes(JsonNode result) {
        JsonNode memory = result.path("memory");
        return memory.path("peak_bytes").asLong() - memory.path("idle_bytes").asLong();
    }
}
