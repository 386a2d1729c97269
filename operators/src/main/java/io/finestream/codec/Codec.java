package io.finestream.codec;

import ai.djl.ndarray.NDArray;

/** Between the latents that the network denoises and the pixels of an image. Results belong to the argument's manager. */
public sealed interface Codec permits AutoencoderKL, PixelCodec {

    /** Pixels per latent cell, on each side. */
    int downsampling();

    /** C of the latents. */
    int latentChannels();

    /**
     * @param images float32 [N, 3, H, W], −1 black to 1 white
     * @return float32 [N, C, H/f, W/f], as the network sees latents; the mean where the encoder gives a distribution
     */
    NDArray encode(NDArray images);

    /**
     * @param latents float32 [N, C, H, W]
     * @return float32 [N, 3, H·f, W·f], −1 black to 1 white; not clipped. The last bits of a row may depend on whether
     *     it is alone
     */
    NDArray decode(NDArray latents);
}
