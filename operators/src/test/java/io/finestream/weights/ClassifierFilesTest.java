package io.finestream.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.finestream.Golden;
import io.finestream.dit.Taxonomy;
import io.finestream.metrics.ClassifierConfig;
import io.finestream.metrics.ClassifierParameters;
import io.finestream.metrics.ImageClassifier;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ClassifierFilesTest {

    private static final Golden GOLDEN = new Golden();
    private static final ClassifierConfig CONFIG = new ClassifierConfig(16, List.of(8, 16), List.of(1, 1), 4, 3, 2);
    private static final Taxonomy TAXONOMY = new Taxonomy(
            List.of("rose", "lily"),
            List.of(
                    new Taxonomy.Subclass("moss", 0),
                    new Taxonomy.Subclass("dog", 0),
                    new Taxonomy.Subclass("tiger", 1)));

    @TempDir
    Path dir;

    @AfterAll
    static void close() {
        GOLDEN.close();
    }

    @Test
    void whatIsSavedIsLoadedToTheLastBit() throws IOException {
        Map<String, NDArray> weights = ClassifierParameters.initialise(GOLDEN.manager, CONFIG);
        ClassifierFiles.save(dir, CONFIG, TAXONOMY, weights);
        ClassifierFiles loaded = ClassifierFiles.load(GOLDEN.ops, GOLDEN.manager, dir);
        NDArray images = GOLDEN.manager.randomNormal(0, 1, new Shape(2, 3, 16, 16), DataType.FLOAT32);
        assertThat(loaded.classifier().config()).isEqualTo(CONFIG);
        assertThat(loaded.taxonomy().subclasses()).isEqualTo(TAXONOMY.subclasses());
        assertThat(loaded.taxonomy().superclasses()).isEqualTo(TAXONOMY.superclasses());
        assertThat(loaded.classifier().features(GOLDEN.manager, images).toFloatArray())
                .isEqualTo(new ImageClassifier(GOLDEN.ops, CONFIG, weights)
                        .features(GOLDEN.manager, images)
                        .toFloatArray());
        Safetensors file = Safetensors.open(dir.resolve(ClassifierFiles.WEIGHTS));
        for (Map.Entry<String, NDArray> weight : weights.entrySet()) {
            assertThat(file.map(GOLDEN.ops, GOLDEN.manager, weight.getKey()).toFloatArray())
                    .as(weight.getKey())
                    .isEqualTo(weight.getValue().toFloatArray());
        }
    }

    @Test
    void weightsInHalfPrecisionAreLoadedAsFloat32() throws IOException {
        Map<String, NDArray> half = new LinkedHashMap<>(ClassifierParameters.initialise(GOLDEN.manager, CONFIG));
        half.replaceAll((name, weight) -> weight.toType(DataType.FLOAT16, true));
        ClassifierFiles.save(dir, CONFIG, TAXONOMY, half);
        ImageClassifier loaded =
                ClassifierFiles.load(GOLDEN.ops, GOLDEN.manager, dir).classifier();
        NDArray images = GOLDEN.manager.ones(new Shape(1, 3, 16, 16));
        assertThat(loaded.featureMap(GOLDEN.manager, images).getDataType()).isEqualTo(DataType.FLOAT32);
    }

    @Test
    void aDirectoryWithoutAClassifierIsRefused() {
        assertThatExceptionOfType(WeightsException.class)
                .isThrownBy(() -> ClassifierFiles.load(GOLDEN.ops, GOLDEN.manager, dir))
                .withMessageContaining("there is no file " + dir.resolve("config.json"))
                .withMessageContaining("train-classifier");
    }

    @Test
    void aTaxonomyOfAnotherClassifierIsRefused() throws IOException {
        save();
        ModelConfig.writeTaxonomy(
                dir.resolve(ClassifierFiles.TAXONOMY),
                new Taxonomy(List.of("rose"), List.of(new Taxonomy.Subclass("moss", 0))));
        assertThatExceptionOfType(WeightsException.class)
                .isThrownBy(() -> ClassifierFiles.load(GOLDEN.ops, GOLDEN.manager, dir))
                .withMessageContaining("has 1 subclasses in 1 superclasses")
                .withMessageContaining("says 3 in 2");
    }

    @Test
    void weightsOfAnotherShapeAreRefusedWithEveryReason() throws IOException {
        save();
        Path config = dir.resolve(ClassifierFiles.CONFIG);
        Files.writeString(config, Files.readString(config).replace("[ 8, 16 ]", "[ 8, 32 ]"));
        assertThatExceptionOfType(WeightsException.class)
                .isThrownBy(() -> ClassifierFiles.load(GOLDEN.ops, GOLDEN.manager, dir))
                .withMessageContaining("norm_out.weight is (16), expected (32)")
                .withMessageContaining("subclass_head.weight is (3, 16), expected (3, 32)");
    }

    @Test
    void aConfigurationThatCanNotBeSaysWhy() throws IOException {
        save();
        Path config = dir.resolve(ClassifierFiles.CONFIG);
        Files.writeString(config, Files.readString(config).replace("\"groups\" : 4", "\"groups\" : 5"));
        assertThatExceptionOfType(WeightsException.class)
                .isThrownBy(() -> ClassifierFiles.load(GOLDEN.ops, GOLDEN.manager, dir))
                .withMessageContaining(config.toString())
                .withMessageContaining("channels holds 8, expected multiples of groups, which is 5");
    }

    private void save() throws IOException {
        ClassifierFiles.save(dir, CONFIG, TAXONOMY, ClassifierParameters.initialise(GOLDEN.manager, CONFIG));
    }
}
