package io.finestream.tuning;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.finestream.codec.Codec;
import io.finestream.dit.Taxonomy;
import io.finestream.torch.TorchOps;
import io.finestream.weights.Safetensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Labeled images as the network sees them: encoded once, held in memory.
 *
 * @param bySubclass per subclass, each [C, H, W] flattened
 */
public record Latents(Taxonomy taxonomy, List<List<float[]>> bySubclass) {

    private static final int BATCH = 32;
    private static final String KEY = "key";

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

    /**
     * Goes on with what an earlier run encoded.
     *
     * @param file as {@link #save} wrote it
     * @param key of that run
     * @return nothing if the file is missing or of another key
     */
    public static Optional<Latents> load(TorchOps ops, NDManager owner, Path file, String key, Taxonomy taxonomy)
            throws IOException {
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        Safetensors cached = Safetensors.open(file);
        if (!key.equals(cached.metadata().get(KEY))) {
            return Optional.empty();
        }
        List<List<float[]>> bySubclass = new ArrayList<>();
        for (int subclass = 0; subclass < taxonomy.subclasses().size(); subclass++) {
            try (NDArray all = cached.map(ops, owner, String.valueOf(subclass))) { // [N, C·H·W]
                List<float[]> latents = new ArrayList<>();
                float[] values = all.toFloatArray();
                int size = (int) all.getShape().get(1);
                for (int from = 0; from < values.length; from += size) {
                    latents.add(Arrays.copyOfRange(values, from, from + size));
                }
                bySubclass.add(latents);
            }
        }
        return Optional.of(new Latents(taxonomy, bySubclass));
    }

    /**
     * Keeps the latents for a later run.
     *
     * @param key stands for everything that they depend on
     */
    public void save(NDManager owner, Path file, String key) throws IOException {
        try (NDManager m = owner.newSubManager()) {
            Map<String, NDArray> tensors = new LinkedHashMap<>();
            for (int subclass = 0; subclass < bySubclass.size(); subclass++) {
                List<float[]> latents = bySubclass.get(subclass);
                float[] all = new float[latents.size() * size()];
                for (int i = 0; i < latents.size(); i++) {
                    System.arraycopy(latents.get(i), 0, all, i * size(), size());
                }
                tensors.put(String.valueOf(subclass), m.create(all, new Shape(latents.size(), size())));
            }
            Safetensors.write(file, tensors, Map.of(KEY, key));
        }
    }

    /** Numbers per latent. */
    int size() {
        return bySubclass.get(0).get(0).length;
    }
}
