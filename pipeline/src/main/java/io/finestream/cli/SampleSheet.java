package io.finestream.cli;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.finestream.codec.Codec;
import io.finestream.codec.Images;
import io.finestream.diffusion.DiffusionModel;
import io.finestream.diffusion.Guidance;
import io.finestream.diffusion.Noise;
import io.finestream.diffusion.SampleSpec;
import io.finestream.diffusion.Sampler;
import io.finestream.dit.Taxonomy;
import io.finestream.flowers.ContactSheet;
import io.finestream.tuning.ImageFolder;
import io.finestream.weights.ModelConfig;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * What a model in training makes: a row per superclass, each generated image beside a real one of its class.
 *
 * @param images real ones, of any of the model's classes
 * @param taxonomy the model's classes
 */
record SampleSheet(ImageFolder images, Taxonomy taxonomy, Codec codec, ModelConfig.Defaults defaults) {

    private static final int CLASSES_PER_ROW = 8;
    private static final int SMALLEST_CELL = 64;
    private static final int STEPS = 20;
    private static final int MAX_ROWS = 64;

    void write(Path file, DiffusionModel model, NDManager manager) throws IOException {
        List<Integer> shown = shown();
        List<SampleSpec> specs = shown.stream().map(this::spec).toList();
        Map<Integer, float[]> latents = new HashMap<>();
        new OfflineRun(model, MAX_ROWS, Noise.SEEDED, manager)
                .run(specs, done -> latents.put(done.tag(), done.latent()), advanced -> {});
        int size = images.imageSize();
        List<BufferedImage> pairs = new ArrayList<>();
        for (int i = 0; i < specs.size(); i++) {
            pairs.add(images.image(shown.get(i), 0));
            pairs.add(decode(manager, latents.getOrDefault(i, new float[0])));
        }
        ContactSheet.of(pairs, 2 * CLASSES_PER_ROW, Math.max(SMALLEST_CELL, size))
                .writePng(file);
    }

    private BufferedImage decode(NDManager manager, float[] latent) {
        int size = images.imageSize();
        int side = size / codec.downsampling();
        try (NDManager m = manager.newSubManager()) {
            NDArray decoded = codec.decode(m.create(latent, new Shape(1, codec.latentChannels(), side, side)));
            return Images.fromPlanes(decoded.toFloatArray(), size, size);
        }
    }

    /** The first few classes of each superclass of the images. */
    private List<Integer> shown() {
        Taxonomy real = images.taxonomy();
        int[] count = new int[real.superclasses().size()];
        return IntStream.range(0, real.subclasses().size())
                .filter(subclass -> count[real.superclassOf(subclass)]++ < CLASSES_PER_ROW)
                .boxed()
                .toList();
    }

    private SampleSpec spec(int ofImages) {
        int subclass = taxonomy.subclass(images.taxonomy().subclassName(ofImages));
        Guidance guidance = Guidance.fineGrained(defaults.guidanceScale(), defaults.guidedChannels());
        return new SampleSpec(
                subclass, taxonomy.superclassOf(subclass), ofImages, 0, guidance, new Sampler.Ddim(0), STEPS);
    }
}
