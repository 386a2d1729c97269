package io.finestream.cli;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import io.finestream.codec.Images;
import io.finestream.dit.Taxonomy;
import io.finestream.metrics.ClassifierConfig;
import io.finestream.metrics.ClassifierParameters;
import io.finestream.torch.TorchOps;
import io.finestream.weights.ClassifierFiles;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A classifier with random weights for the images of {@link io.finestream.TinyModel}, and images for both. */
final class TinyClassifier {

    private TinyClassifier() {}

    static Path write(Path directory, Taxonomy taxonomy, int size) throws IOException {
        ClassifierConfig config = new ClassifierConfig(
                size,
                List.of(8, 8),
                List.of(1, 1),
                4,
                taxonomy.subclasses().size(),
                taxonomy.superclasses().size());
        try (NDManager manager = TorchOps.newManager(Device.cpu())) {
            ClassifierFiles.save(directory, config, taxonomy, ClassifierParameters.initialise(manager, config));
        }
        return directory;
    }

    /** Writes images of a class, all of which differ. */
    static void writeImages(Path root, Taxonomy taxonomy, int subclass, int count) throws IOException {
        Path folder = Files.createDirectories(root.resolve(taxonomy.superclassName(taxonomy.superclassOf(subclass)))
                .resolve(taxonomy.subclassName(subclass)));
        for (int i = 0; i < count; i++) {
            BufferedImage image = new BufferedImage(8, 8, BufferedImage.TYPE_INT_RGB);
            for (int pixel = 0; pixel < 64; pixel++) {
                image.setRGB(pixel % 8, pixel / 8, (subclass + 1) * (i + 1) * pixel * 4_711);
            }
            Files.write(folder.resolve(i + ".png"), Images.toPng(image));
        }
    }
}
