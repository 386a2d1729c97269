package io.finestream.cli;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.finestream.codec.Codec;
import io.finestream.diffusion.Noise;
import io.finestream.dit.Label;
import io.finestream.dit.Taxonomy;
import io.finestream.tuning.DiffusionLoss;
import io.finestream.tuning.ImageFolder;
import io.finestream.tuning.Latents;
import io.finestream.tuning.TrainingBatch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * The squared error on images that are not trained on, one of each class, at a few noise levels: by it runs compare that
 * differ in what they train.
 *
 * @param labels of the latents' classes
 */
record HeldOutLoss(Latents latents, List<Label> labels) {

    private static final int[] TIMESTEPS = {20, 60, 120, 200, 300, 450, 700};

    /**
     * Reads a folder superclass/subclass/image.
     *
     * @param taxonomy the network's classes
     */
    static HeldOutLoss read(Path folder, int imageSize, Taxonomy taxonomy, Codec codec, NDManager owner)
            throws IOException {
        ImageFolder images = ImageFolder.read(folder, imageSize, count -> {});
        List<Taxonomy.ClassName> classes = images.taxonomy().names();
        Taxonomy all = taxonomy.plus(classes);
        int known = taxonomy.subclasses().size();
        if (all.subclasses().size() > known) {
            throw new IOException(folder + " has the class '" + all.subclassName(known)
                    + "', which the model does not have; expected images of its classes, to measure the loss on");
        }
        List<Label> labels = classes.stream()
                .map(name -> Label.subclass(taxonomy.subclass(name.subclass())))
                .toList();
        return new HeldOutLoss(Latents.encode(owner, codec, images, false), labels);
    }

    /** Appends a line to a table: the step, then the error at each noise level. */
    void append(Path file, long step, NDManager owner, DiffusionLoss loss) throws IOException {
        if (!Files.exists(file)) {
            String levels = Arrays.stream(TIMESTEPS).mapToObj(t -> "t=" + t).collect(Collectors.joining("\t"));
            Files.writeString(file, "step\t" + levels + "\n");
        }
        String errors = Arrays.stream(TIMESTEPS)
                .mapToObj(t -> String.format(Locale.ROOT, "%.5f", error(loss, owner, t)))
                .collect(Collectors.joining("\t"));
        Files.writeString(file, step + "\t" + errors + "\n", StandardOpenOption.APPEND);
    }

    private double error(DiffusionLoss loss, NDManager owner, int timestep) {
        int classes = latents.bySubclass().size();
        int size = latents.bySubclass().get(0).get(0).length;
        float[] x0 = new float[classes * size];
        for (int subclass = 0; subclass < classes; subclass++) {
            System.arraycopy(latents.bySubclass().get(subclass).get(0), 0, x0, subclass * size, size);
        }
        int[] t = new int[classes];
        Arrays.fill(t, timestep);
        float[] noise = Noise.SEEDED.normal(0, 0, timestep, x0.length);
        try (NDManager m = owner.newSubManager()) {
            NDArray perRow = loss.perRow(m, new TrainingBatch(x0, noise, t, labels)); // [2, B]
            return perRow.get(0).mean().getFloat();
        }
    }
}
