package io.finestream.cli;

import ai.djl.ndarray.NDManager;
import io.finestream.codec.Images;
import io.finestream.diffusion.Noise;
import io.finestream.diffusion.SampleSpec;
import io.finestream.dit.Taxonomy;
import io.finestream.tuning.ImageFolder;
import io.finestream.weights.GenerativeModel;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import me.tongfei.progressbar.ProgressBar;

/**
 * Images of a model in the form of a folder of images: as many of each class.
 *
 * @param images by the taxonomy that was asked for
 * @param summary what it took to make them
 */
record GeneratedFolder(ImageFolder images, OfflineRun.Summary summary) {

    /**
     * Makes the images.
     *
     * @param taxonomy classes to make; the model must have them, by name
     * @param count images of each class, each from noise of its own
     * @param rows most rows of one pass of the network
     * @throws io.finestream.dit.UnknownClassException if the model does not know a class
     */
    static GeneratedFolder make(GenerativeModel model, Taxonomy taxonomy, int count, Sampling sampling, int rows)
            throws IOException {
        sampling.guidance().requireSupportedBy(model.config().dit());
        List<SampleSpec> samples = new ArrayList<>();
        List<byte[][]> images = new ArrayList<>();
        for (Taxonomy.Subclass asked : taxonomy.subclasses()) {
            int subclass = model.taxonomy().subclass(asked.name());
            int superclass = model.taxonomy().superclassOf(subclass);
            for (int i = 0; i < count; i++) {
                samples.add(new SampleSpec(
                        subclass,
                        superclass,
                        sampling.seed(),
                        samples.size(), // a number of its own, so that classes do not share their noise
                        sampling.guidance(),
                        sampling.sampler(),
                        sampling.steps()));
            }
            images.add(new byte[count][]);
        }
        OfflineRun.Sink sink = sample ->
                images.get(sample.tag() / count)[sample.tag() % count] = Images.toPlanes(model.decode(sample.latent()));
        try (NDManager manager = model.newManager();
                ProgressBar bar = Progress.bar("generating", (long) samples.size() * sampling.steps())) {
            OfflineRun.Summary summary =
                    new OfflineRun(model.diffusion(), rows, Noise.SEEDED, manager).run(samples, sink, bar::stepBy);
            ImageFolder folder = new ImageFolder(
                    taxonomy, model.imageSize(), images.stream().map(List::of).toList());
            return new GeneratedFolder(folder, summary);
        }
    }
}
