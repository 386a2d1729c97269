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

/** What a model in training makes: a row per superclass, each generated image beside a real one of its class. */
record SampleSheet(ImageFolder images, Codec codec, ModelConfig.Defaults defaults) {

    private static final int CLASSES_PER_ROW = 8;
    private static final int SMALLEST_CELL = 64;
    private static final int STEPS = 20;
    private static final int MAX_ROWS = 64;

    void write(Path file, DiffusionModel model, NDManager manager) throws IOException {
        List<SampleSpec> specs = specs();
        Map<Integer, float[]> latents = new HashMap<>();
        new OfflineRun(model, MAX_ROWS, Noise.SEEDED, manager)
                .run(specs, done -> latents.put(done.tag(), done.latent()), advanced -> {});
        int size = images.imageSize();
        List<BufferedImage> pairs = new ArrayList<>();
        for (int i = 0; i < specs.size(); i++) {
            pairs.add(images.image(specs.get(i).subclass(), 0));
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

    private List<SampleSpec> specs() {
        Taxonomy taxonomy = images.taxonomy();
        int[] shown = new int[taxonomy.superclasses().size()];
        List<SampleSpec> specs = new ArrayList<>();
        for (int subclass = 0; subclass < taxonomy.subclasses().size(); subclass++) {
            int superclass = taxonomy.superclassOf(subclass);
            if (shown[superclass]++ < CLASSES_PER_ROW) {
                Guidance guidance = Guidance.fineGrained(defaults.guidanceScale(), defaults.guidedChannels());
                specs.add(new SampleSpec(subclass, superclass, subclass, 0, guidance, new Sampler.Ddim(0), STEPS));
            }
        }
        return specs;
    }
}
