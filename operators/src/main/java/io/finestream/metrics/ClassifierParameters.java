package io.finestream.metrics;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Names, shapes and initial values of an {@link ImageClassifier}'s parameters. */
public final class ClassifierParameters {

    /** Parameters of a residual block, in the order in which {@code resnet} takes them. */
    static final List<String> RESNET = List.of("norm1", "conv1", "norm2", "conv2", "conv_shortcut");

    private static final int IMAGE_CHANNELS = 3;

    private final Map<String, Shape> shapes = new LinkedHashMap<>();

    private ClassifierParameters() {}

    /** Every parameter's name and shape. */
    public static Map<String, Shape> shapes(ClassifierConfig config) {
        ClassifierParameters all = new ClassifierParameters();
        all.levels(config);
        all.put("norm_out", new Shape(config.features()), config.features());
        all.put("subclass_head", new Shape(config.subclasses(), config.features()), config.subclasses());
        all.put("superclass_head", new Shape(config.superclasses(), config.features()), config.superclasses());
        return all.shapes;
    }

    private void levels(ClassifierConfig config) {
        int in = IMAGE_CHANNELS;
        for (int level = 0; level < config.channels().size(); level++) {
            String name = "levels." + level;
            int out = config.channels().get(level);
            int first = level == 0 ? out : in; // the first convolution widens, later ones leave that to the block
            convolution(name + ".downsampler", in, first, 3);
            for (int i = 0; i < config.blocks().get(level); i++) {
                resnet(name + ".resnets." + i, i == 0 ? first : out, out);
            }
            in = out;
        }
    }

    private void resnet(String name, int in, int out) {
        put(name + ".norm1", new Shape(in), in);
        convolution(name + ".conv1", in, out, 3);
        put(name + ".norm2", new Shape(out), out);
        convolution(name + ".conv2", out, out, 3);
        if (in != out) {
            convolution(name + ".conv_shortcut", in, out, 1);
        }
    }

    private void convolution(String name, int in, int out, int kernel) {
        put(name, new Shape(out, in, kernel, kernel), out);
    }

    private void put(String name, Shape weight, int bias) {
        shapes.put(name + ".weight", weight);
        shapes.put(name + ".bias", new Shape(bias));
    }

    /**
     * Fresh parameters: uniform with variance 1 / fan-in, zero biases, and residual blocks that start as the identity.
     *
     * @param owner its engine's random seed decides the values
     */
    public static Map<String, NDArray> initialise(NDManager owner, ClassifierConfig config) {
        Map<String, NDArray> parameters = new LinkedHashMap<>();
        shapes(config).forEach((name, shape) -> parameters.put(name, initial(owner, name, shape)));
        return parameters;
    }

    private static NDArray initial(NDManager owner, String name, Shape shape) {
        if (name.endsWith(".bias") || name.contains(".conv2.")) {
            return owner.zeros(shape);
        }
        if (name.contains("norm")) {
            return owner.ones(shape);
        }
        float bound = (float) Math.sqrt(3.0 / (shape.size() / shape.get(0)));
        return owner.randomUniform(-bound, bound, shape, DataType.FLOAT32);
    }
}
