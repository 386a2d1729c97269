package io.finestream.autotune;

import ai.djl.Device;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.finestream.dit.ComputeType;
import io.finestream.dit.DiT;
import io.finestream.dit.DiTConfig;
import io.finestream.dit.DiTParameters;
import io.finestream.dit.Kernels;
import io.finestream.dit.Label;
import io.finestream.torch.TorchOps;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/** One block of a network of the given shape, with random weights, to try things on. */
final class Probe implements AutoCloseable {

    private static final float STD = 0.02f;
    private static final int PRODUCT_ROWS = 256;
    private static final int[] BATCHES = {1, 2, 3, 5, 8}; // whose rows are compared

    private final NDManager manager;
    private final TorchOps ops;
    private final DiTConfig config;
    private final Map<String, NDArray> weights = new LinkedHashMap<>();

    Probe(DiTConfig network, Device device) {
        manager = TorchOps.newManager(device);
        ops = TorchOps.load(manager);
        config = new DiTConfig(
                network.inputSize(),
                network.patchSize(),
                network.inChannels(),
                network.hiddenSize(),
                1,
                network.numHeads(),
                2,
                1,
                false);
        DiTParameters.shapes(config)
                .forEach((name, shape) -> weights.put(name, manager.randomNormal(0f, STD, shape, DataType.FLOAT32)));
    }

    /** The block; empty if the processor does not have the kernels. */
    Optional<DiT> block(ComputeType type, Kernels kernels) {
        try {
            Map<String, NDArray> cast = DiTParameters.castForInference(ops, manager, weights, type);
            cast.replaceAll((name, weight) -> kernels.packs(name) ? ops.packWeight(manager, weight) : weight);
            DiT block = new DiT(ops, config, cast, type, kernels);
            seconds(block, 1);
            return Optional.of(block);
        } catch (EngineException e) {
            return Optional.empty();
        }
    }

    /** Time of one pass. */
    double seconds(DiT block, int rows) {
        try (NDManager m = manager.newSubManager()) {
            NDArray x = latents(m, rows);
            int[] t = new int[rows];
            List<Label> labels = Collections.nCopies(rows, Label.subclass(0));
            long start = System.nanoTime();
            try (NDArray out = block.forward(m, x, t, labels)) {
                out.get(0, 0, 0, 0).getFloat(); // waits for a GPU
            }
            return (System.nanoTime() - start) / 1e9;
        }
    }

    /** Time of a product of matrices of the network's width. */
    double productSeconds(ComputeType type) {
        int width = config.hiddenSize();
        try (NDManager m = manager.newSubManager()) {
            NDArray weight = type.cast(ops, m, m.randomNormal(new Shape(4L * width, width)));
            NDArray bias = type.cast(ops, m, m.zeros(new Shape(4L * width)));
            NDArray x = type.cast(ops, m, m.randomNormal(new Shape(PRODUCT_ROWS, width)));
            long start = System.nanoTime();
            ops.toFloat32(m, ops.linear(m, x, weight, bias)).get(0, 0).getFloat();
            return (System.nanoTime() - start) / 1e9;
        }
    }

    /** Whether a row's result is the same, to the last bit, in batches of several sizes. */
    boolean isInvariant(DiT block) {
        int most = Arrays.stream(BATCHES).max().orElseThrow();
        try (NDManager m = manager.newSubManager()) {
            NDArray x = latents(m, most);
            int[] t = IntStream.range(0, most).map(row -> 100 * row).toArray();
            List<Label> labels = IntStream.range(0, most)
                    .mapToObj(row -> Label.subclass(row % 2))
                    .toList();
            NDArray all = block.forward(m, x, t, labels); // [8, 2C, H, W]
            for (int rows : BATCHES) {
                NDArray some = block.forward(
                        m, x.get("0:" + rows), Arrays.copyOf(t, rows), labels.subList(0, rows)); // [rows, 2C, H, W]
                if (!some.contentEquals(all.get("0:" + rows))) {
                    return false;
                }
            }
            return true;
        }
    }

    private NDArray latents(NDManager m, int rows) {
        return m.randomNormal(new Shape(rows, config.inChannels(), config.inputSize(), config.inputSize()));
    }

    @Override
    public void close() {
        manager.close();
    }
}
