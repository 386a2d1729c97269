package io.finestream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.finestream.TinyModel;
import io.finestream.dit.Taxonomy;
import io.finestream.weights.ModelConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EvaluateCommandTest {

    private static final int REAL = 4; // images of each class

    @TempDir
    static Path shared;

    @TempDir
    Path dir;

    private static Path model;
    private static Path classifier;
    private static Path real;

    @BeforeAll
    static void writeModelClassifierAndImages() throws IOException {
        model = TinyModel.write(shared.resolve("model"), 1);
        Taxonomy taxonomy = ModelConfig.readTaxonomy(model.resolve("taxonomy.json"));
        classifier = TinyClassifier.write(shared.resolve("classifier"), taxonomy, 8);
        real = shared.resolve("real");
        for (int subclass = 0; subclass < TinyModel.CLASSES; subclass++) {
            TinyClassifier.writeImages(real, taxonomy, subclass, REAL);
        }
    }

    @Test
    void aModelIsJudgedBesideRealImages() throws IOException {
        Path json = dir.resolve("results/evaluation.json");
        CommandLineRun run = evaluate("--model", model, "--images", 2, "--seed", 5, "--json", json);
        assertThat(run.out())
                .contains("generated          real")
                .containsPattern("images +12 +24\n")
                .containsPattern("superclass accuracy +[0-9.]+ % +[0-9.]+ %\n")
                .containsPattern("subclass accuracy +[0-9.]+ % +[0-9.]+ %\n")
                .containsPattern("Fréchet distance +[0-9.]+\n")
                .containsPattern("of 12 images +[0-9.]+ +[0-9.]+ +\\(the floor: real to real\\)\n")
                .containsPattern("[0-9.]+ images/s, 2 steps, guidance 2.00, seed 5\n");
        JsonNode results = new ObjectMapper().readTree(json.toFile());
        assertThat(results.at("/generation/seed").asLong()).isEqualTo(5);
        assertThat(results.at("/evaluation/made/images").asInt()).isEqualTo(12);
        assertThat(results.at("/evaluation/real/images").asInt()).isEqualTo(24);
        assertThat(results.at("/evaluation/equal_sizes/images").asInt()).isEqualTo(12);
        assertThat(results.at("/evaluation/made/superclass").asDouble()).isBetween(0.0, 1.0);
    }

    @Test
    void realImagesJudgedBesideThemselvesAreNoDistanceApart() throws IOException {
        Path json = dir.resolve("evaluation.json");
        evaluate("--images-from", real, "--json", json);
        JsonNode results = new ObjectMapper().readTree(json.toFile());
        assertThat(results.at("/generation").isNull()).isTrue();
        assertThat(results.at("/evaluation/frechet_distance").asDouble()).isLessThan(1e-6);
        assertThat(results.at("/evaluation/made")).isEqualTo(results.at("/evaluation/real"));
    }

    @Test
    void onlyRealImagesOfTheJudgedClassesCount() throws IOException {
        Taxonomy taxonomy = ModelConfig.readTaxonomy(model.resolve("taxonomy.json"));
        TinyClassifier.writeImages(dir.resolve("some"), taxonomy, 2, 3);
        CommandLineRun run = evaluate("--images-from", dir.resolve("some"));
        assertThat(run.out()).containsPattern("images +3 +4\n");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--classifier | nowhere | 1 | there is no model 'nowhere'",
                "--real | nowhere | 1 | there is no folder",
                "--images-from | nowhere | 1 | there is no folder",
                "--model | nowhere | 1 | there is no model 'nowhere'",
                "--images | 0 | 2 | --images is 0, expected at least 1",
                "--rows | 1 | 2 | --rows is 1, expected at least 2",
                "--steps | 0 | 2 | steps is 0, expected 1 to 1000",
            })
    void aMistakeIsSaidInOneLine(String option, String value, int exitCode, String message) {
        CommandLineRun run = run(option, value);
        assertThat(run.err()).startsWith("finestream: ").contains(message).hasLineCount(1);
        assertThat(run.exitCode()).isEqualTo(exitCode);
    }

    @Test
    void aModelAndAFolderTogetherAreRefused() {
        assertThat(run("--model", model, "--images-from", real).err())
                .contains("--model and --images-from are both given, expected one of them");
    }

    @Test
    void aClassifierOfAnotherSizeIsRefused() throws IOException {
        Taxonomy taxonomy = ModelConfig.readTaxonomy(model.resolve("taxonomy.json"));
        Path large = TinyClassifier.write(dir, taxonomy, 16);
        assertThat(run("--model", model, "--classifier", large).err())
                .contains("makes images of 8 pixels, the classifier was trained on 16");
    }

    @Test
    void aClassThatTheClassifierDoesNotKnowIsNamed() throws IOException {
        Taxonomy other = new Taxonomy(List.of("round"), List.of(new Taxonomy.Subclass("class 9", 0)));
        TinyClassifier.writeImages(dir, other, 0, 2);
        assertThat(run("--images-from", dir).err()).contains("there is no class 'class 9'");
    }

    private CommandLineRun run(Object... args) {
        List<Object> command = new ArrayList<>(List.of("evaluate"));
        command.addAll(List.of(args));
        Map.of("--classifier", classifier, "--real", real, "--steps", 2).forEach((option, value) -> {
            if (!command.contains(option)) {
                command.addAll(List.of(option, value));
            }
        });
        return CommandLineRun.of(command.toArray());
    }

    private CommandLineRun evaluate(Object... args) {
        CommandLineRun run = run(args);
        assertThat(run.err()).isEmpty();
        assertThat(run.exitCode()).isZero();
        return run;
    }
}
