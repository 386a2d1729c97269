package io.finestream.diffusion;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.finestream.torch.TorchOps;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.stream.IntStream;

/**
 * What multistep samplers and caches keep of earlier steps: a row of H tensors for each trajectory that has one, oldest
 * first, and nothing for the others. The last place of a row is the newest's; what a trajectory does not have is 0, and
 * so is its coefficient.
 */
final class Histories {

    /**
     * A step of one of these trajectories.
     *
     * @param row of its history
     * @param at place of its latent among those that advance
     * @param isLast whether its row leaves
     */
    record Advance(int row, int at, SamplingPlan.Step step, boolean isLast) {}

    private final TorchOps ops;
    private final NDManager manager;
    private final Shape latentShape; // [C, H, W]
    private final RowTable rows; // [M, H, C, H, W]

    Histories(TorchOps ops, NDManager manager, Shape latentShape) {
        this.ops = ops;
        this.manager = manager;
        this.latentShape = latentShape;
        rows = new RowTable(manager);
    }

    /** Adds the row of a trajectory that joins. */
    void append(List<float[]> history) {
        int size = (int) latentShape.size();
        float[] row = new float[Linear.HISTORY * size];
        int place = Linear.HISTORY - history.size();
        for (float[] kept : history) {
            System.arraycopy(kept, 0, row, place++ * size, size);
        }
        rows.append(manager.create(row, new Shape(1, Linear.HISTORY).addAll(latentShape)));
    }

    /**
     * Adds to the next latents what the samplers take from their history, and moves their rows on.
     *
     * @param x [N, C, H, W]
     * @param prediction [N, 2C, H, W]
     * @param next what the samplers take from {@code x}, the prediction and noise, [N, C, H, W]
     * @param advances in the order of their rows
     * @return [N, C, H, W]
     */
    NDArray advance(NDManager m, NDArray x, NDArray prediction, NDArray next, List<Advance> advances) {
        if (advances.isEmpty()) {
            return next;
        }
        int[] chosen = advances.stream().mapToInt(Advance::row).toArray();
        NDArray history = rows.pick(m, chosen); // [M, H, C, H, W]
        NDArray at = m.create(advances.stream().mapToLong(Advance::at).toArray());
        NDArray k = coefficients(m, advances); // [M, 1 + H, 2 + H]
        NDArray sum = ops.addHistory(m, next, history, at, k); // [N, C, H, W]
        BitSet leaving = new BitSet();
        IntStream.range(0, chosen.length).filter(i -> advances.get(i).isLast()).forEach(leaving::set);
        rows.replace(m, chosen, ops.nextHistory(m, x, prediction, history, at, k), leaving);
        return sum;
    }

    /** Takes out the rows of trajectories that end early. */
    void remove(NDManager m, BitSet leaving) {
        rows.remove(m, leaving);
    }

    private static NDArray coefficients(NDManager m, List<Advance> advances) {
        int n = SamplingPlan.HISTORY_COEFFICIENTS;
        float[] k = new float[advances.size() * n];
        for (int row = 0; row < advances.size(); row++) {
            advances.get(row).step().writeHistory(k, row * n);
        }
        return m.create(k, new Shape(advances.size(), 1 + Linear.HISTORY, 2 + Linear.HISTORY));
    }

    /**
     * Fresh copies, a list per row.
     *
     * @param sizes how many tensors each row has
     */
    List<List<float[]>> save(int[] sizes) {
        int size = (int) latentShape.size();
        float[] values = rows.toFloatArray();
        return IntStream.range(0, sizes.length)
                .mapToObj(row -> {
                    int end = (row + 1) * Linear.HISTORY;
                    return IntStream.range(end - sizes[row], end)
                            .mapToObj(place -> Arrays.copyOfRange(values, place * size, (place + 1) * size))
                            .toList();
                })
                .toList();
    }
}
