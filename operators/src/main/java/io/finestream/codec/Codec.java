package io.finestream.codec;

import ai.djl.ndarray.NDArray;

/** Between the latents that the network denoises and the pixels of an image. */
public sealed interface Codec permits PixelCodec {

    /** Pixels per latent cell, on each side. */
    int downsampling();

    /**
     * @param latents float32 [N, C, H, W]
     * @return float32 [N, 3, H·f, W·f], −1 black to 1 white; not clipped
     */
    NDArray decode(NDArray latents);
}
