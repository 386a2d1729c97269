package io.finestream.bench;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.finestream.codec.Images;
import io.finestream.dit.ComputeType;
import io.finestream.dit.DiTConfig;
import io.finestream.weights.GenerativeModel;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** From the latents of a model's images to pixels, and from pixels to files. */
record DecodeBench(Path model, int rows, int repeats) {

    List<Measurement> run() throws IOException {
        try (GenerativeModel loaded = GenerativeModel.load(model, Device.cpu(), ComputeType.FP32)) {
            Workload load = new Workload(loaded, rows);
            List<float[]> latents = new ArrayList<>();
            load.denoise(load.batchSize(), image -> image, done -> latents.add(done.latent()));
            List<BufferedImage> images = latents.stream().map(loaded::decode).toList();
            ShortestTime single = new ShortestTime();
            ShortestTime together = new ShortestTime();
            ShortestTime png = new ShortestTime();
            for (int i = 0; i <= repeats; i++) { // the first warms up
                single.of(() -> latents.forEach(loaded::decode));
                together.of(() -> decode(loaded, latents));
                png.of(() -> images.forEach(Images::toPng));
            }
            int n = images.size();
            int side = loaded.imageSize();
            return List.of(
                    measurement("latent to image, one at a time", single, n).in(ComputeType.FP32),
                    measurement("latents to pixels, " + n + " at once", together, n)
                            .in(ComputeType.FP32),
                    measurement("PNG of %d x %d pixels".formatted(side, side), png, n));
        }
    }

    private static void decode(GenerativeModel loaded, List<float[]> latents) {
        DiTConfig dit = loaded.config().dit();
        int size = dit.latentSize();
        float[] all = new float[latents.size() * size];
        for (int i = 0; i < latents.size(); i++) {
            System.arraycopy(latents.get(i), 0, all, i * size, size);
        }
        try (NDManager m = loaded.newManager()) {
            Shape shape = new Shape(latents.size(), dit.inChannels(), dit.inputSize(), dit.inputSize());
            loaded.codec().decode(m.create(all, shape)).toFloatArray();
        }
    }

    private static Measurement measurement(String what, ShortestTime time, int images) {
        return Measurement.of(Part.DECODE, what)
                .tookNanos((double) time.nanos() / images)
                .made(images, "images", time.nanos());
    }
}
