package io.finestream.tuning;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import io.finestream.codec.AutoencoderConfig;
import io.finestream.codec.AutoencoderKL;
import io.finestream.torch.TorchOps;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;

/**
 * Mean and standard deviation of an autoencoder's latents per channel.
 *
 * @param mean [C]
 * @param std [C]
 */
public record LatentStatistics(float[] mean, float[] std) {

    private static final int IMAGES = 512;
    private static final int BATCH = 64;

    /**
     * Measures some of the images.
     *
     * @param weights float32, by the names of the autoencoder's parameters
     */
    public static LatentStatistics of(
            TorchOps ops, NDManager owner, AutoencoderConfig config, Map<String, NDArray> weights, ImageFolder images) {
        int c = config.latentChannels();
        double[] sum = new double[c];
        double[] squares = new double[c];
        AutoencoderKL autoencoder = new AutoencoderKL(ops, config, weights);
        SplittableRandom random = new SplittableRandom(0);
        long cells = 0;
        for (int done = 0; done < IMAGES; done += BATCH) {
            try (NDManager m = owner.newSubManager()) {
                NDArray latents =
                        autoencoder.moments(m, images.batch(m, BATCH, random)).get(new NDIndex(":, :" + c));
                Shape shape = latents.getShape(); // [B, C, H, W]
                int area = (int) (shape.get(2) * shape.get(3));
                float[] values = latents.toFloatArray();
                for (int i = 0; i < values.length; i++) {
                    int channel = i / area % c;
                    sum[channel] += values[i];
                    squares[channel] += (double) values[i] * values[i];
                }
                cells += (long) BATCH * area;
            }
        }
        float[] mean = new float[c];
        float[] std = new float[c];
        for (int channel = 0; channel < c; channel++) {
            double average = sum[channel] / cells;
            mean[channel] = (float) average;
            std[channel] = (float) Math.sqrt(Math.max(1e-12, squares[channel] / cells - average * average));
        }
        return new LatentStatistics(mean, std);
    }

    /**
     * The same autoencoder with latents of mean 0 and standard deviation 1 in every channel: the statistics go into the
     * pointwise convolutions before and after the latents. So the scaling factor is 1.
     */
    public Map<String, NDArray> standardise(NDManager owner, Map<String, NDArray> weights) {
        int c = mean.length;
        Map<String, NDArray> result = new LinkedHashMap<>(weights);
        float[] in = floats(weights, "quant_conv.weight"); // [2C, 2C, 1, 1]
        float[] inBias = floats(weights, "quant_conv.bias"); // [2C]
        float[] out = floats(weights, "post_quant_conv.weight"); // [C, C, 1, 1]
        float[] outBias = floats(weights, "post_quant_conv.bias"); // [C]
        for (int channel = 0; channel < c; channel++) {
            for (int from = 0; from < 2 * c; from++) {
                in[channel * 2 * c + from] /= std[channel];
            }
            inBias[channel] = (inBias[channel] - mean[channel]) / std[channel];
            inBias[c + channel] -= (float) (2 * Math.log(std[channel]));
            for (int to = 0; to < c; to++) {
                outBias[to] += out[to * c + channel] * mean[channel];
                out[to * c + channel] *= std[channel];
            }
        }
        replace(owner, result, "quant_conv.weight", in);
        replace(owner, result, "quant_conv.bias", inBias);
        replace(owner, result, "post_quant_conv.weight", out);
        replace(owner, result, "post_quant_conv.bias", outBias);
        return result;
    }

    private static float[] floats(Map<String, NDArray> weights, String name) {
        return Objects.requireNonNull(weights.get(name), name).toFloatArray();
    }

    private static void replace(NDManager owner, Map<String, NDArray> weights, String name, float[] values) {
        Shape shape = Objects.requireNonNull(weights.get(name), name).getShape();
        weights.put(name, owner.create(values, shape));
    }
}
