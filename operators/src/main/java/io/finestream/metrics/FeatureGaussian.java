package io.finestream.metrics;

import java.util.List;

/**
 * The normal distribution that has the mean and the covariance of a set of feature vectors.
 *
 * @param count of the vectors
 * @param mean [F]
 * @param covariance [F, F], unbiased
 */
public record FeatureGaussian(int count, double[] mean, double[][] covariance) {

    /**
     * @param features at least two vectors, of one length
     * @throws IllegalArgumentException if there are fewer, or their lengths differ
     */
    public static FeatureGaussian of(List<float[]> features) {
        int count = features.size();
        if (count < 2) {
            throw new IllegalArgumentException(
                    "a covariance needs at least 2 feature vectors, there are " + count + "; take more images");
        }
        int length = features.get(0).length;
        double[] mean = new double[length];
        for (float[] vector : features) {
            if (vector.length != length) {
                throw new IllegalArgumentException("feature vectors have " + length + " and " + vector.length
                        + " numbers; take them from one network");
            }
            for (int i = 0; i < length; i++) {
                mean[i] += vector[i] / (double) count;
            }
        }
        double[][] covariance = new double[length][length];
        for (float[] vector : features) {
            for (int i = 0; i < length; i++) {
                double difference = (vector[i] - mean[i]) / (count - 1);
                for (int j = 0; j < length; j++) {
                    covariance[i][j] += difference * (vector[j] - mean[j]);
                }
            }
        }
        return new FeatureGaussian(count, mean, covariance);
    }
}
