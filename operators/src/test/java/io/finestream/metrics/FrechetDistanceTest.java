package io.finestream.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class FrechetDistanceTest {

    private static final int LENGTH = 6;

    @Test
    void equalSetsAreNotApart() {
        FeatureGaussian a = FeatureGaussian.of(vectors(50, 1, 0));
        assertThat(FrechetDistance.between(a, a)).isBetween(0.0, 1e-9);
    }

    @Test
    void fewerVectorsThanFeaturesAreNoObstacle() {
        FeatureGaussian a = FeatureGaussian.of(vectors(3, 1, 0)); // a covariance of rank 2
        assertThat(FrechetDistance.between(a, a)).isBetween(0.0, 1e-6);
    }

    @Test
    void aShiftIsAsFarAsItsSquaredLength() {
        FeatureGaussian a = FeatureGaussian.of(vectors(50, 1, 0));
        FeatureGaussian b = FeatureGaussian.of(vectors(50, 1, 0.5f));
        assertThat(FrechetDistance.between(a, b)).isCloseTo(LENGTH * 0.25, within(1e-5));
    }

    @Test
    void diagonalCovariancesAreAsFarAsTheirStandardDeviations() {
        FeatureGaussian a = diagonal(4, 9, 0);
        FeatureGaussian b = diagonal(1, 1, 16);
        assertThat(FrechetDistance.between(a, b)).isCloseTo(1 + 4 + 16, within(1e-9));
        assertThat(FrechetDistance.between(b, a)).isCloseTo(1 + 4 + 16, within(1e-9));
    }

    @Test
    void covariancesThatDoNotCommuteAreRight() {
        FeatureGaussian a = new FeatureGaussian(9, new double[2], new double[][] {{2, 1}, {1, 2}});
        FeatureGaussian b = new FeatureGaussian(9, new double[2], new double[][] {{3, 0}, {0, 1}});
        // tr((A B)^½) of a 2 x 2 matrix is (tr(A B) + 2 det(A B)^½)^½
        double trace = Math.sqrt(8 + 2 * Math.sqrt(9));
        assertThat(FrechetDistance.between(a, b)).isCloseTo(4 + 4 - 2 * trace, within(1e-9));
    }

    @Test
    void covarianceIsUnbiased() {
        FeatureGaussian found = FeatureGaussian.of(List.of(new float[] {1, 0}, new float[] {3, 4}));
        assertThat(found.mean()).containsExactly(2, 2);
        assertThat(found.covariance()).isDeepEqualTo(new double[][] {{2, 4}, {4, 8}});
    }

    @Test
    void oneVectorHasNoCovariance() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> FeatureGaussian.of(vectors(1, 1, 0)))
                .withMessageContaining("at least 2 feature vectors, there are 1");
    }

    @Test
    void featuresOfTwoNetworksAreRefused() {
        FeatureGaussian a = FeatureGaussian.of(vectors(5, 1, 0));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> FrechetDistance.between(a, diagonal(1, 1, 1)))
                .withMessageContaining("6 and 3 numbers");
    }

    private static FeatureGaussian diagonal(double... variances) {
        double[][] covariance = new double[variances.length][variances.length];
        for (int i = 0; i < variances.length; i++) {
            covariance[i][i] = variances[i];
        }
        return new FeatureGaussian(100, new double[variances.length], covariance);
    }

    private static List<float[]> vectors(int count, int seed, float shift) {
        SplittableRandom random = new SplittableRandom(seed);
        List<float[]> vectors = new ArrayList<>();
        for (int n = 0; n < count; n++) {
            float[] vector = new float[LENGTH];
            for (int i = 0; i < LENGTH; i++) {
                vector[i] = shift + (float) random.nextGaussian() + (i > 0 ? vector[i - 1] - shift : 0);
            }
            vectors.add(vector);
        }
        return vectors;
    }
}
