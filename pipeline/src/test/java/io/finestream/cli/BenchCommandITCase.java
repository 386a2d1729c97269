package io.finestream.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.finestream.TinyModel;
import io.finestream.dit.DiTConfig;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** With a broker, a Flink cluster, and a process for each strategy, as the command has them. */
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
    void theMachineAndThePipelineAreMeasuredAndTheTableSaysWhatTheFileSays() throws IOException {
        Path json = dir.resolve("machine.json");
        CommandLineRun run = CommandLineRun.of(
                "bench",
                "--model",
                TinyModel.write(dir.resolve("tiny"), 1),
                "--only",
                "ceiling,trajectory,decode,pipeline",
                "--threads",
                2,
                "--rows",
                4,
                "--batches",
                4,
                "--repeats",
                1,
                "--json",
                json);
        assertThat(run.err()).isEmpty();
        assertThat(run.exitCode()).isZero();
        assertThat(run.out().lines()).allSatisfy(line -> assertThat(line).hasSizeLessThanOrEqualTo(100));
        assertThat(run.out())
                .contains(
                        "pipeline, 2 slots of 1 thread, 4 rows each",
                        "2 guided images, 20 steps",
                        "PNG of 8 x 8 pixels");

        JsonNode result = new ObjectMapper().readTree(json.toFile());
        assertThat(result.path("bench").path("slots").asInt()).isEqualTo(2);
        assertThat(result.path("measurements").findValuesAsText("part"))
                .contains("ceiling", "trajectory", "decode", "pipeline")
                .doesNotContain("forward", "train");
        for (JsonNode line : result.path("measurements")) {
            String what = line.path("what").asText();
            String printed = run.out()
                    .lines()
                    .filter(text -> text.startsWith("  " + what)
                            && text.contains(line.path("type").asText("")))
                    .findFirst()
                    .orElseThrow(() -> new AssertionError(what + " is not in the table"));
            JsonNode share = line.path("share");
            if (!share.isNull()) {
                assertThat(share.path("fraction").asDouble()).as(what).isPositive();
                assertThat(printed)
                        .contains("%.1f %% of %s"
                                .formatted(
                                        100 * share.path("fraction").asDouble(),
                                        share.path("of").asText()));
            }
            JsonNode rate = line.path("rate");
            if (!rate.isNull()) {
                assertThat(rate.path("per_second").asDouble()).as(what).isPositive();
                assertThat(printed).contains(" " + rate.path("unit").asText());
            }
        }
        double model = perSecond(result, "the model alone");
        double pipeline = perSecond(result, "Kafka, Flink, Kafka, exactly once");
        assertThat(line(result, "Kafka, Flink, Kafka, exactly once")
                        .path("share")
                        .path("fraction")
                        .asDouble())
                .isCloseTo(pipeline / model, within(1e-9));
        assertThat(line(result, "per request, not the model").path("millis").asDouble())
                .isCloseTo(1e3 / pipeline - 1e3 / model, within(1e-6));
        JsonNode rows = line(result, "the rows of their passes");
        double perRow = 2 * new DiTConfig(8, 2, 3, 48, 2, 4, TinyModel.CLASSES, 2, false).multiplyAdds();
        assertThat(rows.path("gflops_per_second").asDouble() * 1e9)
                .isCloseTo(rows.path("rate").path("per_second").asDouble() * perRow, withinPercentage(0.01));
    }

    @Test
    void aPartThatIsNotThereIsRefusedWithThoseThatAre() {
        assertThat(CommandLineRun.of("bench", "--only", "speed").err()).contains("speed", "CEILING", "PIPELINE");
    }

    @Test
    void aRunThatHasNoMiddleIsRefused() {
        assertThat(CommandLineRun.of("bench", "--batches", 2).err()).contains("--batches is 2, expected at least 3");
    }

    private static double perSecond(JsonNode result, String what) {
        return line(result, what).path("rate").path("per_second").asDouble();
    }

    private static JsonNode line(JsonNode result, String what) {
        for (JsonNode line : result.path("measurements")) {
            if (line.path("what").asText().equals(what)) {
                return line;
            }
        }
        throw new AssertionError("no line '" + what + "' in " + result);
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
