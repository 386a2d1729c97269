package io.finestream.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.finestream.Golden;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

class ImageClassifierTest {

    private static final Golden GOLDEN = new Golden();

    @AfterAll
    static void close() {
        GOLDEN.close();
    }

    @Test
    void anImageOf64PixelsHas128FeaturesOn8x8Cells() {
        ClassifierConfig config = new ClassifierConfig(
                64,
                ClassifierConfig.DEFAULT_CHANNELS,
                ClassifierConfig.DEFAULT_BLOCKS,
                ClassifierConfig.DEFAULT_GROUPS,
                220,
                11);
        ImageClassifier classifier = fresh(config);
        NDArray images = GOLDEN.manager.zeros(new Shape(2, 3, 64, 64));
        NDArray features = classifier.features(GOLDEN.manager, images);
        assertThat(classifier.featureMap(GOLDEN.manager, images).getShape()).isEqualTo(new Shape(2, 128, 8, 8));
        assertThat(features.getShape()).isEqualTo(new Shape(2, 128));
        assertThat(classifier.subclassLogits(GOLDEN.manager, features).getShape())
                .isEqualTo(new Shape(2, 220));
        assertThat(classifier.superclassLogits(GOLDEN.manager, features).getShape())
                .isEqualTo(new Shape(2, 11));
        assertThat(ClassifierParameters.shapes(config).values().stream()
                        .mapToLong(Shape::size)
                        .sum())
                .isBetween(600_000L, 700_000L);
    }

    @Test
    void featuresAreTheMeansOfTheFeatureMap() {
        ImageClassifier classifier = fresh(tiny());
        NDArray images = GOLDEN.manager.randomNormal(0, 1, new Shape(2, 3, 16, 16), DataType.FLOAT32);
        NDArray map = classifier.featureMap(GOLDEN.manager, images);
        assertThat(classifier.features(GOLDEN.manager, images).toFloatArray())
                .containsExactly(map.reshape(2, 16, 16).mean(new int[] {2}).toFloatArray(), within(1e-5f));
    }

    @Test
    void bfloat16GivesNearlyTheSameFeaturesAndTheyAreFloat32() {
        ImageClassifier classifier = fresh(tiny());
        NDArray images = GOLDEN.manager.randomNormal(0, 1, new Shape(2, 3, 16, 16), DataType.FLOAT32);
        NDArray half = classifier.features(GOLDEN.manager, GOLDEN.ops.toBfloat16(GOLDEN.manager, images));
        NDArray full = classifier.features(GOLDEN.manager, images);
        assertThat(half.getDataType()).isEqualTo(DataType.FLOAT32);
        assertThat(Golden.relativeError(half.toFloatArray(), full.toFloatArray()))
                .isBetween(1e-6, 3e-2);
    }

    @Test
    void predictionsNameTheLargestLogitOfEachTier() {
        ImageClassifier classifier = fresh(tiny());
        NDArray images = GOLDEN.manager.randomNormal(0, 1, new Shape(5, 3, 16, 16), DataType.FLOAT32);
        List<ImageClassifier.Prediction> found = classifier.predict(images);
        NDArray features = classifier.features(GOLDEN.manager, images);
        NDArray fine = classifier.subclassLogits(GOLDEN.manager, features);
        NDArray coarse = classifier.superclassLogits(GOLDEN.manager, features);
        for (int i = 0; i < 5; i++) {
            assertThat(found.get(i).features()).containsExactly(features.get(i).toFloatArray(), within(1e-6f));
            assertThat((long) found.get(i).subclass())
                    .isEqualTo(fine.get(i).argMax().getLong());
            assertThat((long) found.get(i).superclass())
                    .isEqualTo(coarse.get(i).argMax().getLong());
        }
    }

    @Test
    void weightsThatLackATensorAreRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new ImageClassifier(GOLDEN.ops, tiny(), Map.of()))
                .withMessageContaining("lack 'norm_out.bias'");
    }

    @Test
    void aConfigurationSaysWhichNumberIsWrong() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new ClassifierConfig(12, List.of(8, 8, 8), List.of(1, 1, 1), 4, 2, 2))
                .withMessageContaining("image size is 12, expected a multiple of 8");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new ClassifierConfig(16, List.of(8, 10), List.of(1, 1), 4, 2, 2))
                .withMessageContaining("channels holds 10, expected multiples of groups, which is 4");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new ClassifierConfig(16, List.of(8, 8), List.of(1), 4, 2, 2))
                .withMessageContaining("blocks has 1 levels, channels has 2");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new ClassifierConfig(16, List.of(8), List.of(1), 4, 0, 2))
                .withMessageContaining("subclasses is 0, expected at least 1");
    }

    private static ClassifierConfig tiny() {
        return new ClassifierConfig(16, List.of(8, 16), List.of(1, 1), 4, 6, 2);
    }

    private static ImageClassifier fresh(ClassifierConfig config) {
        return new ImageClassifier(GOLDEN.ops, config, ClassifierParameters.initialise(GOLDEN.manager, config));
    }
}
