package io.finestream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.finestream.TinyModel;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** With a process for each number of slots, as the command has them. */
class BenchScaleITCase {

    @TempDir
    Path dir;

    @Test
    void slotsShareOneCopyOfTheWeights() throws IOException {
        Path json = dir.resolve("scale.json");
        CommandLineRun run = CommandLineRun.of(
                "bench",
                "scale",
                "--model",
                TinyModel.write(dir.resolve("model"), 1),
                "--batch",
                "1,5",
                "--classes",
                "10,50000",
                "--slots",
                "1,2",
                "--steps",
                2,
                "--rows",
                4,
                "--threads",
                1,
                "--size",
                "S/8",
                "--image-size",
                64,
                "--json",
                json);
        assertThat(run.err()).isEmpty();
        assertThat(run.exitCode()).isZero();
        JsonNode results = new ObjectMapper().readTree(json.toFile());
        assertThat(results.at("/rows/1/rows").asInt()).isEqualTo(5);
        assertThat(results.at("/classes/1/table_bytes").asLong()).isEqualTo(50_000L * 48 * 4);
        assertThat(results.path("rows")).hasSize(2).allSatisfy(BenchScaleITCase::isTimed);
        assertThat(results.path("classes")).hasSize(2).allSatisfy(BenchScaleITCase::isTimed);
        assertThat(results.path("slots")).hasSize(2).allSatisfy(BenchScaleITCase::isTimed);

        JsonNode one = results.at("/memory/0");
        JsonNode two = results.at("/memory/1");
        long weights = one.path("weights_bytes").asLong();
        assertThat(weights).isBetween(140_000_000L, 160_000_000L); // 33 million in the blocks, 4 in the labels
        assertThat(one.path("resident_bytes").asLong())
                .isGreaterThan(one.path("idle_bytes").asLong() + weights / 2);
        assertThat(two.path("slots").asInt()).isEqualTo(2);
        assertThat(two.path("resident_bytes").asLong())
                .isLessThan(one.path("resident_bytes").asLong() + weights / 2);
    }

    private static void isTimed(JsonNode point) {
        assertThat(point.path("rows_per_second").asDouble()).isPositive().isFinite();
    }
}
