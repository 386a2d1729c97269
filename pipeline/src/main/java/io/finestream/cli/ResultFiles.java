package io.finestream.cli;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.finestream.codec.Images;
import io.finestream.diffusion.DenoiseBatch.Finished;
import io.finestream.diffusion.SampleSpec;
import io.finestream.dit.DiTConfig;
import io.finestream.weights.GenerativeModel;
import io.finestream.weights.Safetensors;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Where the results of an {@link OfflineRun} go: a file each, a sheet of all, the latents themselves. */
final class ResultFiles implements OfflineRun.Sink {

    private final GenerativeModel model;
    private final List<SampleSpec> samples;
    private final @Nullable Path folder;
    private final @Nullable Path grid;
    private final @Nullable Path latentsFile;
    private final BufferedImage[] images; // of the grid
    private final float[][] latents; // of the latents' file

    /**
     * @param folder for a PNG file per sample; it must exist
     * @param grid PNG file for a sheet
     * @param latentsFile safetensors file for {@code latents} [N, C, H, W]
     */
    ResultFiles(
            GenerativeModel model,
            List<SampleSpec> samples,
            @Nullable Path folder,
            @Nullable Path grid,
            @Nullable Path latentsFile) {
        this.model = model;
        this.samples = samples;
        this.folder = folder;
        this.grid = grid;
        this.latentsFile = latentsFile;
        images = new BufferedImage[grid == null ? 0 : Math.min(samples.size(), ImageGrid.MOST_IMAGES)];
        latents = new float[latentsFile == null ? 0 : samples.size()][];
    }

    @Override
    public void accept(Finished<Integer> sample) throws IOException {
        int n = sample.tag();
        if (n < latents.length) {
            latents[n] = sample.latent();
        }
        if (folder == null && n >= images.length) {
            return;
        }
        BufferedImage image = model.decode(sample.latent());
        if (n < images.length) {
            images[n] = image;
        }
        if (folder != null) {
            String name = SafeFileName.of(className(n)) + "-" + sample.spec().sample() + ".png";
            Files.write(folder.resolve(name), Images.toPng(image));
        }
    }

    /** Writes what takes all the results; call it when all are there. */
    void finish() throws IOException {
        if (grid != null) {
            ImageGrid sheet = new ImageGrid();
            for (int n = 0; n < images.length; n++) {
                sheet.add(className(n), images[n]);
            }
            sheet.write(grid);
        }
        if (latentsFile != null) {
            writeLatents(latentsFile);
        }
    }

    private void writeLatents(Path file) throws IOException {
        DiTConfig dit = model.config().dit();
        int size = dit.latentSize();
        float[] all = new float[latents.length * size];
        for (int n = 0; n < latents.length; n++) {
            System.arraycopy(latents[n], 0, all, n * size, size);
        }
        try (NDManager m = model.newManager()) {
            Shape shape = new Shape(latents.length, dit.inChannels(), dit.inputSize(), dit.inputSize());
            NDArray tensor = m.create(all, shape); // [N, C, H, W]
            Safetensors.write(file, Map.of("latents", tensor), Map.of("format", "pt"));
        }
    }

    private String className(int n) {
        return model.taxonomy().subclassName(samples.get(n).subclass());
    }
}
