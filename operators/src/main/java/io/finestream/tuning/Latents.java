package io.finestream.tuning;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.finestream.codec.Codec;
import io.finestream.dit.Taxonomy;
import java.util.ArrayList;
import java.util.List;

/**
 * Labeled images as the network sees them: encoded once, held in memory.
 *
 * @param bySubclass per subclass, each [C, H, W] flattened
 */
public record Latents(Taxonomy taxonomy, List<List<float[]>> bySubclass) {

    private static final int BATCH = 32;

    /**
     * Encodes every image.
     *
     * @param mirrored whether each image is also taken flipped left to right
     */
    public static Latents encode(NDManager owner, Codec codec, ImageFolder images, boolean mirrored) {
        List<List<float[]>> bySubclass = new ArrayList<>();
        for (int subclass = 0; subclass < images.images().size(); subclass++) {
            List<float[]> latents = new ArrayList<>();
            encode(owner, codec, images, subclass, false, latents);
            if (mirrored) {
                encode(owner, codec, images, subclass, true, latents);
            }
            bySubclass.add(latents);
        }
        return new Latents(images.taxonomy(), bySubclass);
    }

    private static void encode(
            NDManager owner, Codec codec, ImageFolder images, int subclass, boolean mirrored, List<float[]> latents) {
        int side = images.imageSize();
        int numbers = 3 * side * side;
        int count = images.images().get(subclass).size();
        for (int from = 0; from < count; from += BATCH) {
            int n = Math.min(BATCH, count - from);
            float[] planes = new float[n * numbers];
            for (int i = 0; i < n; i++) {
                images.write(subclass, from + i, mirrored, planes, i * numbers);
            }
            try (NDManager m = owner.newSubManager()) {
                NDArray encoded = codec.encode(m.create(planes, new Shape(n, 3, side, side))); // [n, C, H, W]
                for (int i = 0; i < n; i++) {
                    latents.add(encoded.get(i).toFloatArray());
                }
            }
        }
    }

    /** Numbers per latent. */
    int size() {
        return bySubclass.get(0).get(0).length;
    }
}
