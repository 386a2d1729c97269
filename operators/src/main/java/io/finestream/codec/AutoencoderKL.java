package io.finestream.codec;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import io.finestream.torch.TorchOps;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The variational autoencoder of latent diffusion (arXiv 2112.10752), in the layout of huggingface/diffusers: residual
 * blocks, one attention in the middle, latents {@code 2^(levels - 1)} times smaller than the image on each side.
 *
 * <p>Weights are borrowed from the caller, under the names of {@link AutoencoderParameters}. Thread-safe for inference.
 */
public final class AutoencoderKL implements Codec {

    private final TorchOps ops;
    private final AutoencoderConfig config;
    private final Map<String, NDArray> weights;
    private final LatentTiles tiles;
    private final NDArray groups; // scalar

    /** @param weights by the names of {@link AutoencoderParameters#shapes} */
    public AutoencoderKL(TorchOps ops, AutoencoderConfig config, Map<String, NDArray> weights) {
        this(ops, config, weights, LatentTiles.DEFAULT);
    }

    private AutoencoderKL(TorchOps ops, AutoencoderConfig config, Map<String, NDArray> weights, LatentTiles tiles) {
        this.ops = ops;
        this.config = config;
        this.weights = weights;
        this.tiles = tiles;
        groups = ops.scalar(config.normNumGroups());
    }

    /** The same network, decoding in other tiles. */
    AutoencoderKL with(LatentTiles other) {
        return new AutoencoderKL(ops, config, weights, other);
    }

    @Override
    public int downsampling() {
        return config.downsampling();
    }

    @Override
    public int latentChannels() {
        return config.latentChannels();
    }

    @Override
    public NDArray encode(NDArray images) {
        NDArray moments = moments(images.getManager(), images); // [N, 2C, H/f, W/f]
        return moments.get(new NDIndex(":, :" + config.latentChannels())).mul(config.scalingFactor());
    }

    /** Decodes in tiles what has more than 64 cells on a side; the image differs a little from that of one piece. */
    @Override
    public NDArray decode(NDArray latents) {
        NDArray z = latents.div(config.scalingFactor());
        return tiles.hold(z.getShape())
                ? reconstruct(z.getManager(), z)
                : tiles.decode(z, config.downsampling(), this::reconstruct);
    }

    /**
     * Mean and log-variance of the posterior, not scaled.
     *
     * @param m receives the result and everything made on the way
     * @param images [N, 3, H, W], −1 to 1; sides are multiples of {@link #downsampling}
     * @return [N, 2C, H/f, W/f]
     */
    public NDArray moments(NDManager m, NDArray images) {
        NDArray h = ops.convolution(m, images, get("encoder.conv_in.weight"), get("encoder.conv_in.bias"));
        int levels = config.blockOutChannels().size();
        for (int level = 0; level < levels; level++) {
            String block = "encoder.down_blocks." + level;
            for (int i = 0; i < config.layersPerBlock(); i++) {
                h = resnet(m, block + ".resnets." + i, h); // [N, channels, H/2^level, W/2^level]
            }
            if (level + 1 < levels) {
                String down = block + ".downsamplers.0.conv";
                h = replace(h, ops.downsample(m, h, get(down + ".weight"), get(down + ".bias")));
            }
        }
        h = middle(m, "encoder.mid_block", h);
        h = out(m, "encoder", h); // [N, 2C, H/f, W/f]
        return replace(h, ops.pointwise(m, h, get("quant_conv.weight"), get("quant_conv.bias")));
    }

    /**
     * The images of latents that are not scaled.
     *
     * @param m receives the result and everything made on the way
     * @param z [N, C, H/f, W/f]
     * @return [N, 3, H, W], about −1 to 1
     */
    public NDArray reconstruct(NDManager m, NDArray z) {
        NDArray h = ops.pointwise(m, z, get("post_quant_conv.weight"), get("post_quant_conv.bias"));
        h = replace(h, ops.convolution(m, h, get("decoder.conv_in.weight"), get("decoder.conv_in.bias")));
        h = middle(m, "decoder.mid_block", h);
        int levels = config.blockOutChannels().size();
        for (int level = 0; level < levels; level++) {
            String block = "decoder.up_blocks." + level;
            for (int i = 0; i <= config.layersPerBlock(); i++) {
                h = resnet(m, block + ".resnets." + i, h); // [N, channels, 2^level H/f, 2^level W/f]
            }
            if (level + 1 < levels) {
                String up = block + ".upsamplers.0.conv";
                h = replace(h, ops.upsample(m, h, get(up + ".weight"), get(up + ".bias")));
            }
        }
        return out(m, "decoder", h); // [N, 3, H, W]
    }

    private NDArray middle(NDManager m, String name, NDArray x) {
        NDArray h = resnet(m, name + ".resnets.0", x);
        h = replace(
                h, ops.cellAttention(m, h, groups, getAll(name + ".attentions.0.", AutoencoderParameters.ATTENTION)));
        return resnet(m, name + ".resnets.1", h);
    }

    private NDArray resnet(NDManager m, String name, NDArray x) {
        return replace(x, ops.resnet(m, x, groups, getAll(name + ".", AutoencoderParameters.RESNET)));
    }

    private NDArray out(NDManager m, String half, NDArray h) {
        return replace(
                h,
                ops.normConvolution(
                        m,
                        h,
                        groups,
                        get(half + ".conv_norm_out.weight"),
                        get(half + ".conv_norm_out.bias"),
                        get(half + ".conv_out.weight"),
                        get(half + ".conv_out.bias")));
    }

    /** Frees what is no longer needed, so that a large image does not hold the activations of every layer. */
    private NDArray replace(NDArray old, NDArray next) {
        if (!ops.recordsGradients()) {
            old.close();
        }
        return next;
    }

    private NDArray get(String name) {
        NDArray weight = weights.get(name);
        if (weight == null) {
            throw new IllegalArgumentException("the autoencoder's weights lack '" + name + "'");
        }
        return weight;
    }

    private List<NDArray> getAll(String prefix, List<String> layers) {
        List<NDArray> all = new ArrayList<>();
        for (String layer : layers) {
            if (weights.containsKey(prefix + layer + ".weight")) { // not every residual block has a shortcut
                all.add(get(prefix + layer + ".weight"));
                all.add(get(prefix + layer + ".bias"));
            }
        }
        return all;
    }
}
