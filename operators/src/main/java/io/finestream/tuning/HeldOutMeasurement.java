package io.finestream.tuning;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.finestream.diffusion.Noise;
import io.finestream.dit.Label;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The squared error of a network's predictions on held-out images at fixed noise levels and with fixed noise, so that
 * two networks compare image by image. Made in passes of a few rows, so that a stream need not wait for all of it.
 */
final class HeldOutMeasurement implements AutoCloseable {

    /** Noise levels in eighths of the schedule. */
    private static final int[] EIGHTHS = {1, 3, 5, 7};

    private static final int ROWS_PER_PASS = 32;
    private static final int NOISE_SEED = 7;

    private final NDManager memory;
    private final DiffusionLoss loss;
    private final int timesteps;
    private final List<LabeledLatent> images;
    private final double[] sums; // per image
    private int next; // row

    /**
     * @param memory closed when the last pass was made
     * @param loss of the network, for inference
     * @param timesteps of the schedule
     */
    HeldOutMeasurement(NDManager memory, DiffusionLoss loss, int timesteps, List<LabeledLatent> images) {
        this.memory = memory;
        this.loss = loss;
        this.timesteps = timesteps;
        this.images = List.copyOf(images);
        sums = new double[images.size()];
    }

    /** Makes one more pass, if any is left; says whether none is. */
    boolean advance() {
        int rows = Math.min(ROWS_PER_PASS, images.size() * EIGHTHS.length - next);
        if (rows > 0) {
            try (NDManager m = memory.newSubManager()) {
                NDArray perRow = loss.perRow(m, batch(rows)); // [2, B]
                float[] values = perRow.toFloatArray();
                for (int b = 0; b < rows; b++) {
                    sums[(next + b) / EIGHTHS.length] += values[b];
                }
            }
            next += rows;
        }
        boolean done = next == images.size() * EIGHTHS.length;
        if (done) {
            memory.close();
        }
        return done;
    }

    private TrainingBatch batch(int rows) {
        int size = images.get(0).latent().length;
        float[] x0 = new float[rows * size];
        float[] noise = new float[rows * size];
        int[] t = new int[rows];
        List<Label> labels = new ArrayList<>();
        for (int b = 0; b < rows; b++) {
            int row = next + b;
            LabeledLatent image = images.get(row / EIGHTHS.length);
            System.arraycopy(image.latent(), 0, x0, b * size, size);
            System.arraycopy(Noise.SEEDED.normal(NOISE_SEED, row, 0, size), 0, noise, b * size, size);
            t[b] = timesteps * EIGHTHS[row % EIGHTHS.length] / 8;
            labels.add(Label.subclass(image.subclass()));
        }
        return new TrainingBatch(x0, noise, t, labels);
    }

    List<LabeledLatent> images() {
        return images;
    }

    /** Mean squared error of each image over the noise levels. */
    double[] errors() {
        return Arrays.stream(sums).map(sum -> sum / EIGHTHS.length).toArray();
    }

    @Override
    public void close() {
        memory.close();
    }
}
