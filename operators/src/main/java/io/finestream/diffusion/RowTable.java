package io.finestream.diffusion;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A tensor whose first axis grows at its end, and of which the first rows are replaced or leave. */
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

    /** The first {@code n} rows, at least one. */
    NDArray first(NDManager m, int n) {
        NDArray first = all().get(new NDIndex("0:" + n));
        first.attach(m);
        return first;
    }

    /**
     * Replaces the first rows.
     *
     * @param next as many new ones
     * @param staying which of them stay, ascending
     */
    void replaceFirst(NDManager m, NDArray next, List<Integer> staying) {
        long n = next.getShape().get(0);
        NDList parts = new NDList();
        if (staying.size() == n) {
            parts.add(next);
        } else if (!staying.isEmpty()) {
            parts.add(next.get(m.create(staying.stream().mapToLong(i -> i).toArray())));
        }
        if (n < all().getShape().get(0)) {
            NDArray waiting = all().get(new NDIndex(n + ":"));
            waiting.attach(m);
            parts.add(waiting);
        }
        if (parts.isEmpty()) {
            replace(null);
        } else {
            replace(parts.size() == 1 ? parts.get(0).duplicate() : NDArrays.concat(parts, 0));
        }
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
