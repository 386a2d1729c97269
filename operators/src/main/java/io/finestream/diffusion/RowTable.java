package io.finestream.diffusion;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import java.util.BitSet;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** A tensor whose first axis grows at its end, and of which any rows are replaced or leave. */
final class RowTable {

    private final NDManager manager;
    private @Nullable NDArray rows; // [N, ...]; null where there are none

    RowTable(NDManager manager) {
        this.manager = manager;
    }

    /** Takes a row over, [1, ...]. */
    void append(NDArray row) {
        if (rows == null) {
            replace(row);
        } else {
            replace(NDArrays.concat(new NDList(rows, row), 0));
            row.close();
        }
    }

    /**
     * Some rows, a view where they are the first ones.
     *
     * @param chosen ascending, at least one
     */
    NDArray pick(NDManager m, int[] chosen) {
        int n = chosen.length;
        boolean prefix = chosen[n - 1] == n - 1;
        NDArray picked = prefix ? all().get(new NDIndex("0:" + n)) : all().get(indices(m, IntStream.of(chosen)));
        picked.attach(m);
        return picked;
    }

    /**
     * Replaces rows, and takes out those that leave.
     *
     * @param chosen those that are replaced, ascending
     * @param next as many new ones
     * @param leaving places in {@code chosen}
     */
    void replace(NDManager m, int[] chosen, NDArray next, BitSet leaving) {
        int n = size();
        int[] source = IntStream.range(0, n).toArray(); // row i of the old ones, row n + i of the new ones
        for (int i = 0; i < chosen.length; i++) {
            source[chosen[i]] = leaving.get(i) ? -1 : n + i;
        }
        if (chosen.length == n) {
            keep(m, next, IntStream.of(source).filter(row -> row >= 0).map(row -> row - n));
        } else {
            NDArray both = NDArrays.concat(new NDList(all(), next), 0);
            both.attach(m);
            keep(m, both, IntStream.of(source).filter(row -> row >= 0));
        }
    }

    /** Takes rows out. */
    void remove(NDManager m, BitSet leaving) {
        if (!leaving.isEmpty()) {
            keep(m, all(), IntStream.range(0, size()).filter(row -> !leaving.get(row)));
        }
    }

    private void keep(NDManager m, NDArray from, IntStream staying) {
        int[] rowsOf = staying.toArray();
        replace(rowsOf.length == 0 ? null : from.get(indices(m, IntStream.of(rowsOf))));
    }

    private static NDArray indices(NDManager m, IntStream rows) {
        return m.create(rows.asLongStream().toArray());
    }

    private int size() {
        return (int) all().getShape().get(0);
    }

    float[] toFloatArray() {
        return rows == null ? new float[0] : rows.toFloatArray();
    }

    private NDArray all() {
        if (rows == null) {
            throw new IllegalStateException("the table is empty");
        }
        return rows;
    }

    private void replace(@Nullable NDArray replacement) {
        if (rows != null) {
            rows.close();
        }
        if (replacement != null) {
            replacement.attach(manager);
        }
        rows = replacement;
    }
}
