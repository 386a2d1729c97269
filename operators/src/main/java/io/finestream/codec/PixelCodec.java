package io.finestream.codec;

import ai.djl.ndarray.NDArray;

/** For models that denoise pixels: the latent is the image. */
public record PixelCodec() implements Codec {

    @Override
    public int downsampling() {
        return 1;
    }

    @Override
    public int latentChannels() {
        return 3;
    }

    @Override
    public NDArray encode(NDArray images) {
        return images;
    }

    @Override
    public NDArray decode(NDArray latents) {
        return latents;
    }
}
