package io.finestream.cli;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import io.finestream.diffusion.Noise;
import io.finestream.dit.DiTConfig;
import io.finestream.torch.TorchOps;
import io.finestream.weights.Safetensors;
import io.finestream.weights.WeightsException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Noise from a file, so that two programs can be compared on the same numbers. The seed of a sample is its row in the
 * file.
 */
final class RecordedNoise implements Noise, AutoCloseable {

    private static final String INITIAL = "x_T";
    private static final String ADDED = "noise";

    private final NDManager manager;
    private final NDArray initial; // [N, C, H, W]
    private final @Nullable NDArray added; // [steps, N, C, H, W]

    private RecordedNoise(NDManager manager, NDArray initial, @Nullable NDArray added) {
        this.manager = manager;
        this.initial = initial;
        this.added = added;
    }

    /**
     * @param file safetensors with {@code x_T} [N, C, H, W] and, where steps add noise, {@code noise} [steps, N, C, H, W]
     * @param samples how many rows are needed
     * @param stepsWithNoise length of the trajectories; 0 if their steps add none
     */
    static RecordedNoise open(Path file, DiTConfig model, int samples, int stepsWithNoise) throws IOException {
        Safetensors tensors = Safetensors.open(file);
        long rows = requireRows(tensors, model, samples);
        Shape latents = new Shape(rows, model.inChannels(), model.inputSize(), model.inputSize());
        requireShape(tensors, INITIAL, latents);
        if (stepsWithNoise > 0) {
            requireTensor(tensors, ADDED, "[steps, N, C, H, W], which this sampler adds");
            requireShape(tensors, ADDED, new Shape(stepsWithNoise).addAll(latents));
        }
        NDManager manager = TorchOps.newManager(Device.cpu());
        try {
            TorchOps ops = TorchOps.load(manager);
            NDArray initial = tensors.readFloat32(ops, manager, INITIAL);
            NDArray added = stepsWithNoise > 0 ? tensors.readFloat32(ops, manager, ADDED) : null;
            return new RecordedNoise(manager, initial, added);
        } catch (IOException | RuntimeException e) {
            manager.close();
            throw e;
        }
    }

    private static long requireRows(Safetensors tensors, DiTConfig model, int samples) throws WeightsException {
        requireTensor(tensors, INITIAL, "[N, C, H, W]");
        Shape shape = tensors.shape(INITIAL);
        long rows = shape.dimension() == 0 ? 0 : shape.get(0);
        if (rows < samples) {
            throw new WeightsException(tensors.file() + ": " + INITIAL + " is " + shape + ", expected ["
                    + samples + " or more, " + model.inChannels() + ", " + model.inputSize() + ", "
                    + model.inputSize() + "]: a row for each of the " + samples + " images");
        }
        return rows;
    }

    private static void requireTensor(Safetensors tensors, String name, String meaning) throws WeightsException {
        if (!tensors.names().contains(name)) {
            throw new WeightsException(tensors.file() + " has no tensor " + name + ", expected " + meaning);
        }
    }

    private static void requireShape(Safetensors tensors, String name, Shape expected) throws WeightsException {
        if (!tensors.shape(name).equals(expected)) {
            throw new WeightsException(tensors.file() + ": " + name + " is " + tensors.shape(name) + ", expected "
                    + expected + " for this model, sampler and number of steps");
        }
    }

    @Override
    public float[] normal(long seed, int sample, int draw, int size) {
        try (NDManager m = manager.newSubManager()) {
            NDArray row = draw == 0
                    ? initial.get(m, seed)
                    : Objects.requireNonNull(added).get(m, new NDIndex(draw - 1L, seed));
            return row.toFloatArray();
        }
    }

    @Override
    public void close() {
        manager.close();
    }
}
