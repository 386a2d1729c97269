package io.finestream.codec;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Names, shapes and initial values of an {@link AutoencoderKL}'s parameters, after huggingface/diffusers. */
public final class AutoencoderParameters {

    /** Parameters of a residual block, in the order in which {@code resnet} takes them. */
    static final List<String> RESNET = List.of("norm1", "conv1", "norm2", "conv2", "conv_shortcut");

    /** Parameters of the attention, in the order in which {@code cell_attention} takes them. */
    static final List<String> ATTENTION = List.of("group_norm", "to_q", "to_k", "to_v", "to_out.0");

    private final Map<String, Shape> shapes = new LinkedHashMap<>();

    private AutoencoderParameters() {}

    /** Every parameter's name and shape. */
    public static Map<String, Shape> shapes(AutoencoderConfig config) {
        AutoencoderParameters all = new AutoencoderParameters();
        all.encoder(config);
        all.decoder(config);
        int c = config.latentChannels();
        all.convolution("quant_conv", 2 * c, 2 * c, 1);
        all.convolution("post_quant_conv", c, c, 1);
        return all.shapes;
    }

    private void encoder(AutoencoderConfig config) {
        List<Integer> channels = config.blockOutChannels();
        convolution("encoder.conv_in", config.inChannels(), channels.get(0), 3);
        int in = channels.get(0);
        for (int level = 0; level < channels.size(); level++) {
            String block = "encoder.down_blocks." + level;
            int out = channels.get(level);
            for (int i = 0; i < config.layersPerBlock(); i++) {
                resnet(block + ".resnets." + i, i == 0 ? in : out, out);
            }
            if (level + 1 < channels.size()) {
                convolution(block + ".downsamplers.0.conv", out, out, 3);
            }
            in = out;
        }
        middle("encoder.mid_block", in);
        norm("encoder.conv_norm_out", in);
        convolution("encoder.conv_out", in, 2 * config.latentChannels(), 3);
    }

    private void decoder(AutoencoderConfig config) {
        List<Integer> channels = config.blockOutChannels();
        int in = channels.get(channels.size() - 1);
        convolution("decoder.conv_in", config.latentChannels(), in, 3);
        middle("decoder.mid_block", in);
        for (int level = 0; level < channels.size(); level++) {
            String block = "decoder.up_blocks." + level;
            int out = channels.get(channels.size() - 1 - level);
            for (int i = 0; i <= config.layersPerBlock(); i++) {
                resnet(block + ".resnets." + i, i == 0 ? in : out, out);
            }
            if (level + 1 < channels.size()) {
                convolution(block + ".upsamplers.0.conv", out, out, 3);
            }
            in = out;
        }
        norm("decoder.conv_norm_out", in);
        convolution("decoder.conv_out", in, config.inChannels(), 3);
    }

    private void middle(String name, int channels) {
        resnet(name + ".resnets.0", channels, channels);
        norm(name + ".attentions.0.group_norm", channels);
        for (String linear : ATTENTION.subList(1, ATTENTION.size())) {
            put(name + ".attentions.0." + linear, new Shape(channels, channels), channels);
        }
        resnet(name + ".resnets.1", channels, channels);
    }

    private void resnet(String name, int in, int out) {
        norm(name + ".norm1", in);
        convolution(name + ".conv1", in, out, 3);
        norm(name + ".norm2", out);
        convolution(name + ".conv2", out, out, 3);
        if (in != out) {
            convolution(name + ".conv_shortcut", in, out, 1);
        }
    }

    private void norm(String name, int channels) {
        put(name, new Shape(channels), channels);
    }

    private void convolution(String name, int in, int out, int kernel) {
        put(name, new Shape(out, in, kernel, kernel), out);
    }

    private void put(String name, Shape weight, int bias) {
        shapes.put(name + ".weight", weight);
        shapes.put(name + ".bias", new Shape(bias));
    }

    /**
     * Fresh parameters: uniform within 1/√fan-in, zero biases, and residual blocks that start as the identity.
     *
     * @param owner its engine's random seed decides the values
     */
    public static Map<String, NDArray> initialise(NDManager owner, AutoencoderConfig config) {
        Map<String, NDArray> parameters = new LinkedHashMap<>();
        shapes(config).forEach((name, shape) -> parameters.put(name, initial(owner, name, shape)));
        return parameters;
    }

    private static NDArray initial(NDManager owner, String name, Shape shape) {
        if (name.endsWith(".bias") || name.contains(".conv2.") || name.contains(".to_out.")) {
            return owner.zeros(shape);
        }
        if (name.contains("norm")) {
            return owner.ones(shape);
        }
        float bound = (float) Math.sqrt(3.0 / (shape.size() / shape.get(0))); // variance 1 / fan-in
        return owner.randomUniform(-bound, bound, shape, DataType.FLOAT32);
    }
}
