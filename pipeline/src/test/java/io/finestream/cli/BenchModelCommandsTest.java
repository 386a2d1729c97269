package io.finestream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.finestream.TinyModel;
import io.finestream.dit.Taxonomy;
import io.finestream.weights.ModelConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class BenchModelCommandsTest {

    @TempDir
    static Path shared;

    @TempDir
    Path dir;

    private static Path model;
    private static Taxonomy taxonomy;

    @BeforeAll
    static void writeModel() throws IOException {
        model = TinyModel.write(shared.resolve("model"), 1);
        taxonomy = ModelConfig.readTaxonomy(model.resolve("taxonomy.json"));
    }

    @Test
    void aRecordedTraceIsReplayedWithTheSameArrivals() throws IOException {
        Path recorded = dir.resolve("recorded.jsonl");
        Path again = dir.resolve("again.jsonl");
        Path json = dir.resolve("results/trace.json");
        CommandLineRun run = bench(
                "trace",
                "--requests",
                10,
                "--load",
                2,
                "--repeats",
                2,
                "--calibrate",
                "50ms",
                "--batching",
                "call,request,step",
                "--record",
                recorded,
                "--json",
                json);
        assertThat(run.out())
                .containsPattern("10 requests, 10 of them with images that are the same to the bit\n")
                .containsPattern(
                        "step to request: p99 [0-9.]+, without its wait [0-9.]+; mean [0-9.]+; images/s [0-9.]+\n")
                .containsPattern("step to call: p99 ");
        JsonNode results = new ObjectMapper().readTree(json.toFile());
        assertThat(results.path("requests").asInt()).isEqualTo(10);
        assertThat(results.path("identical").asInt()).isEqualTo(10);
        assertThat(results.path("arrivals_per_second").asDouble()
                        / results.path("capacity").asDouble())
                .isBetween(0.7, 8.0); // ten gaps do not have their mean
        assertThat(results.path("batchings")).hasSize(3).allSatisfy(batching -> {
            assertThat(batching.at("/answered/count").asInt()).isEqualTo(2 * 10);
            assertThat(batching.at("/answered/p50").asDouble())
                    .isPositive()
                    .isLessThanOrEqualTo(batching.at("/answered/p99").asDouble());
            assertThat(batching.path("busy").asDouble()).isBetween(0.0, 1.0);
        });

        bench("trace", "--trace", recorded, "--record", again, "--calibrate", "50ms", "--batching", "step");
        assertThat(Files.readAllLines(recorded)).hasSize(10);
        assertThat(again).hasSameTextualContentAs(recorded);
    }

    @ParameterizedTest
    @ValueSource(strings = {"fp32", "bf16"})
    void anImageIsTheSameFileAloneAndInCompany(String dtype) throws IOException {
        Path json = dir.resolve("invariance.json");
        CommandLineRun run = bench("invariance", "--requests", 5, "--dtype", dtype, "--rows", 8, "--json", json);
        assertThat(run.out())
                .containsPattern("alike +5 of +5 +0.00000 +0\n")
                .containsPattern("mixed +5 of +5 +0.00000 +0\n");
        assertThat(new ObjectMapper().readTree(json.toFile())).hasSize(2).allSatisfy(result -> {
            assertThat(result.path("identical_files").asInt()).isEqualTo(5);
            assertThat(result.at("/pixels/images").asInt()).isEqualTo(5);
        });
    }

    @Test
    void setsOfEqualSizeAreJudged() throws IOException {
        Path classifier = TinyClassifier.write(dir.resolve("classifier"), taxonomy, 8);
        Path real = dir.resolve("real");
        for (int subclass = 0; subclass < TinyModel.CLASSES; subclass++) {
            TinyClassifier.writeImages(real, taxonomy, subclass, 4);
        }
        Path json = dir.resolve("quality.json");
        Object[] judged = {
            "quality", "--classifier", classifier, "--real", real, "--many-steps", 30, "--classes", 4, "--json", json
        };
        bench(append(judged, "--images", 2));
        JsonNode results = new ObjectMapper().readTree(json.toFile());
        assertThat(results.path("images").asInt()).isEqualTo(8);
        assertThat(results.path("made")).hasSize(5);
        JsonNode few = results.at("/made/0");
        JsonNode many = results.at("/made/3");
        assertThat(many.path("name").asText()).isEqualTo("DDPM");
        assertThat(many.path("steps").asInt()).isEqualTo(30);
        assertThat(many.path("to_many").asDouble()).isLessThan(1e-6);
        assertThat(few.path("to_many").asDouble()).isGreaterThan(1e-6);
        JsonNode narrow = results.at("/pairs/0");
        JsonNode floor = results.at("/pairs/2");
        assertThat(narrow.at("/pixels/mean").asDouble())
                .isPositive()
                .isLessThan(floor.at("/pixels/mean").asDouble() / 2);
        assertThat(narrow.path("frechet_distance").asDouble())
                .isLessThan(floor.path("frechet_distance").asDouble());

        assertThat(run(append(judged, "--images", 3)).err())
                .contains("has 4 images of 'class 0', expected 6, twice --images");
        assertThat(run(append(judged, "--dtype", "bf16")).err())
                .contains("--dtype is bf16, but both types are compared; leave the option out");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "trace | --load | 0 | --load is 0.0, expected more than 0",
                "trace | --guided | 2 | --guided is 2.0, expected 0 to 1",
                "trace | --batching | token | expected one of",
                "trace | --trace | missing.jsonl | missing.jsonl",
                "trace | --rows | 1 | --rows is 1, expected at least 2",
                "invariance | --requests | 0 | --requests is 0, expected at least 1",
                "quality | --classes | 1 | --classes is 1, expected at least 2",
                "scale | --steps | 501 | --steps is 501, expected at most 500",
                "scale | --slots | 0 | is 0, expected at least 1",
            })
    void aMistakeIsSaidInOneLine(String command, String option, String value, String message) {
        CommandLineRun run = run(command, option, value);
        assertThat(run.exitCode()).isNotZero();
        assertThat(run.err()).startsWith("finestream: ").contains(message).hasLineCount(1);
    }

    private static CommandLineRun run(Object... args) {
        return CommandLineRun.of(append(append(new Object[] {"bench"}, args), "--model", model, "--threads", 1));
    }

    private static CommandLineRun bench(Object... args) {
        CommandLineRun run = run(args);
        assertThat(run.err()).isEmpty();
        assertThat(run.exitCode()).isZero();
        return run;
    }

    private static Object[] append(Object[] first, Object... second) {
        return Stream.concat(Stream.of(first), Stream.of(second)).toArray();
    }
}
