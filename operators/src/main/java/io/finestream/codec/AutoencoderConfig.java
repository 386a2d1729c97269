package io.finestream.codec;

import java.util.List;

/**
 * Shape of an {@link AutoencoderKL}, as diffusers' {@code config.json} has it.
 *
 * @param inChannels of the images: 3
 * @param latentChannels C of the latents
 * @param blockOutChannels channels of each level, from full size down; every level but the last halves the sides
 * @param layersPerBlock residual blocks per level of the encoder; the decoder has one more
 * @param normNumGroups groups of every GroupNorm; divides every number of channels
 * @param scalingFactor the network sees latents times this
 */
public record AutoencoderConfig(
        int inChannels,
        int latentChannels,
        List<Integer> blockOutChannels,
        int layersPerBlock,
        int normNumGroups,
        double scalingFactor) {

    /** Of Stable Diffusion's autoencoder, and where a {@code config.json} says nothing. */
    public static final double DEFAULT_SCALING_FACTOR = 0.18215;

    private static final int IMAGE_CHANNELS = 3;
    private static final int MOST_LEVELS = 8;

    /** Throws IllegalArgumentException with the value and the range. */
    public AutoencoderConfig {
        blockOutChannels = List.copyOf(blockOutChannels);
        if (inChannels != IMAGE_CHANNELS) {
            throw new IllegalArgumentException(
                    "in_channels is " + inChannels + ", expected " + IMAGE_CHANNELS + ": images are RGB");
        }
        requireAtLeastOne("latent_channels", latentChannels);
        requireAtLeastOne("layers_per_block", layersPerBlock);
        requireAtLeastOne("norm_num_groups", normNumGroups);
        if (blockOutChannels.isEmpty() || blockOutChannels.size() > MOST_LEVELS) {
            throw new IllegalArgumentException(
                    "block_out_channels has " + blockOutChannels.size() + " levels, expected 1.." + MOST_LEVELS);
        }
        for (int channels : blockOutChannels) {
            if (channels < 1 || channels % normNumGroups != 0) {
                throw new IllegalArgumentException("block_out_channels holds " + channels
                        + ", expected multiples of norm_num_groups, which is " + normNumGroups);
            }
        }
        if (!(scalingFactor > 0) || scalingFactor == Double.POSITIVE_INFINITY) {
            throw new IllegalArgumentException("scaling_factor is " + scalingFactor + ", expected a positive number");
        }
    }

    /** Pixels per latent cell, on each side. */
    public int downsampling() {
        return 1 << (blockOutChannels.size() - 1);
    }

    private static void requireAtLeastOne(String name, int value) {
        if (value < 1) {
            throw new IllegalArgumentException(name + " is " + value + ", expected at least 1");
        }
    }
}
