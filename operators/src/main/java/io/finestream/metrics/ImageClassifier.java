package io.finestream.metrics;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.finestream.torch.TorchOps;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * A small residual network that names the subclass and the superclass of an image, and whose features measure how
 * alike two sets of images are.
 *
 * <p>Weights are borrowed from the caller, under the names of {@link ClassifierParameters}. Thread-safe for inference.
 */
public final class ImageClassifier {

    /**
     * What an image is taken for.
     *
     * @param subclass row of the fine tier of the taxonomy
     * @param superclass row of the coarse tier, from a head of its own: it need not be that of the subclass
     * @param features of the image, [F]
     */
    public record Prediction(int subclass, int superclass, float[] features) {}

    private final TorchOps ops;
    private final ClassifierConfig config;
    private final Map<String, NDArray> weights;
    private final NDArray groups; // scalar
    private final NDArray normOutBias; // [F]
    private final NDArray normOutWeight; // [F]

    /** @param weights by the names of {@link ClassifierParameters#shapes} */
    public ImageClassifier(TorchOps ops, ClassifierConfig config, Map<String, NDArray> weights) {
        this.ops = ops;
        this.config = config;
        this.weights = weights;
        groups = ops.scalar(config.groups());
        normOutBias = get("norm_out.bias");
        normOutWeight = get("norm_out.weight");
    }

    public ClassifierConfig config() {
        return config;
    }

    /**
     * What the network sees where.
     *
     * @param m receives the result and everything made on the way
     * @param images [N, 3, H, W], −1 to 1; sides are multiples of {@link ClassifierConfig#downsampling}
     * @return [N, F, H/f, W/f], in the type of the images
     */
    public NDArray featureMap(NDManager m, NDArray images) {
        NDArray h = images;
        for (int level = 0; level < config.channels().size(); level++) {
            String name = "levels." + level;
            String down = name + ".downsampler";
            h = ops.downsample(m, h, get(down + ".weight"), get(down + ".bias")); // [N, channels, H/2^(level + 1), …]
            for (int i = 0; i < config.blocks().get(level); i++) {
                h = ops.resnet(m, h, groups, resnet(name + ".resnets." + i + "."));
            }
        }
        return ops.normSilu(m, h, groups, normOutWeight, normOutBias);
    }

    /**
     * Means of {@link #featureMap} over each image.
     *
     * @param m receives the result and everything made on the way
     * @param images [N, 3, H, W], −1 to 1
     * @return float32 [N, F]
     */
    public NDArray features(NDManager m, NDArray images) {
        return ops.cellMean(m, featureMap(m, images));
    }

    /** @return [N, subclasses] from {@link #features} */
    public NDArray subclassLogits(NDManager m, NDArray features) {
        return ops.linear(m, features, get("subclass_head.weight"), get("subclass_head.bias"));
    }

    /** @return [N, superclasses] from {@link #features} */
    public NDArray superclassLogits(NDManager m, NDArray features) {
        return ops.linear(m, features, get("superclass_head.weight"), get("superclass_head.bias"));
    }

    /**
     * Names the images.
     *
     * @param images [N, 3, H, W], −1 to 1; not closed
     * @return one per image, in their order
     */
    public List<Prediction> predict(NDArray images) {
        try (NDManager m = images.getManager().newSubManager()) {
            NDArray features = features(m, images); // [N, F]
            float[] values = features.toFloatArray();
            long[] fine = subclassLogits(m, features).argMax(1).toLongArray();
            long[] coarse = superclassLogits(m, features).argMax(1).toLongArray();
            int length = config.features();
            return IntStream.range(0, fine.length)
                    .mapToObj(i -> new Prediction(
                            (int) fine[i], (int) coarse[i], Arrays.copyOfRange(values, i * length, (i + 1) * length)))
                    .toList();
        }
    }

    private NDArray get(String name) {
        NDArray weight = weights.get(name);
        if (weight == null) {
            throw new IllegalArgumentException("the classifier's weights lack '" + name + "'");
        }
        return weight;
    }

    private List<NDArray> resnet(String prefix) {
        List<NDArray> all = new ArrayList<>();
        for (String layer : ClassifierParameters.RESNET) {
            if (weights.containsKey(prefix + layer + ".weight")) { // not every block has a shortcut
                all.add(get(prefix + layer + ".weight"));
                all.add(get(prefix + layer + ".bias"));
            }
        }
        return all;
    }
}
