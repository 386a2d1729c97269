package io.finestream.cli;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.finestream.codec.Codec;
import io.finestream.codec.Images;
import io.finestream.flowers.ContactSheet;
import io.finestream.tuning.ImageFolder;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** What images become that are encoded and decoded. */
record Reconstructions(Codec codec, ImageFolder images, NDManager owner) {

    private static final int SHOWN = 64;
    private static final int COLUMNS = 16;
    private static final int BATCH = 20;
    private static final double PEAK = 2; // of values from −1 to 1

    /** Peak signal-to-noise ratio over all images, in dB. */
    double psnr() {
        int side = images.imageSize();
        double squares = 0;
        for (int subclass = 0; subclass < images.images().size(); subclass++) {
            int count = images.images().get(subclass).size();
            for (int from = 0; from < count; from += BATCH) {
                int n = Math.min(BATCH, count - from);
                try (NDManager m = owner.newSubManager()) {
                    float[] planes = new float[n * 3 * side * side];
                    for (int i = 0; i < n; i++) {
                        float[] image = images.planes(subclass, from + i);
                        System.arraycopy(image, 0, planes, i * image.length, image.length);
                    }
                    NDArray real = m.create(planes, new Shape(n, 3, side, side));
                    NDArray difference = codec.decode(codec.encode(real)).sub(real); // [n, 3, H, W]
                    squares += n * (double) difference.square().mean().getFloat();
                }
            }
        }
        return 10 * Math.log10(PEAK * PEAK * images.count() / squares);
    }

    /** Some of the images, each above what becomes of it. */
    void writePng(Path file) throws IOException {
        int side = images.imageSize();
        List<BufferedImage> cells = new ArrayList<>();
        try (NDManager m = owner.newSubManager()) {
            NDArray real = images.batch(m, SHOWN, new SplittableRandom(0)); // [64, 3, H, W]
            NDArray decoded = codec.decode(codec.encode(real));
            for (int row = 0; row < SHOWN / COLUMNS; row++) {
                for (NDArray which : List.of(real, decoded)) {
                    for (int column = 0; column < COLUMNS; column++) {
                        float[] planes = which.get(row * COLUMNS + column).toFloatArray();
                        cells.add(Images.fromPlanes(planes, side, side));
                    }
                }
            }
        }
        ContactSheet.of(cells, COLUMNS, side).writePng(file);
    }
}
