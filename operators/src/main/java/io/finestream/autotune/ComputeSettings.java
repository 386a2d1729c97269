package io.finestream.autotune;

import ai.djl.Device;
import io.finestream.dit.ComputeType;
import io.finestream.dit.DiTConfig;
import io.finestream.dit.Kernels;
import java.io.Serializable;
import org.jspecify.annotations.Nullable;

/**
 * How a network shall be computed; what is left open is measured.
 *
 * @param type arithmetic; null: bf16 where the processor or GPU is faster with it, otherwise fp32
 * @param kernels of the blocks; null: the fastest of those for which a row's result does not depend on its batch
 * @param rows most rows of one pass of the network, per slot; 0: as many as it takes to come near the best rate
 * @param threads engine threads per slot; 0: the processors divided by the slots
 */
public record ComputeSettings(
        @Nullable ComputeType type, @Nullable Kernels kernels, int rows, int threads) implements Serializable {

    /** Everything as measured. */
    public static final ComputeSettings MEASURED = new ComputeSettings(null, null, 0, 0);

    /** Nothing as measured: the same bits on every machine of one kind. */
    public static final ComputeSettings DETERMINISTIC =
            new ComputeSettings(ComputeType.FP32, Kernels.DETERMINISTIC, 24, 0);

    /** Fewest rows: a guided sample takes two. */
    public static final int MIN_ROWS = 2;

    public ComputeSettings {
        if (rows != 0 && rows < MIN_ROWS) {
            throw new IllegalArgumentException("max rows is " + rows
                    + ", expected at least 2 (a guided sample takes two), or 0 to have it measured");
        }
        if (threads < 0) {
            throw new IllegalArgumentException("engine threads is " + threads + ", expected at least 0");
        }
    }

    public ComputeSettings withType(ComputeType other) {
        return new ComputeSettings(other, kernels, rows, threads);
    }

    public ComputeSettings withRows(int other) {
        return new ComputeSettings(type, kernels, other, threads);
    }

    public ComputeSettings withThreads(int other) {
        return new ComputeSettings(type, kernels, rows, other);
    }

    /**
     * Decides what is open. The first time on a machine it measures, for some seconds; it is then kept in {@link
     * MeasuredChoices}.
     *
     * @param slots that compute at once in this JVM
     */
    public ComputePlan plan(DiTConfig network, Device device, int slots) {
        int eachThreads = threads > 0 ? threads : Math.max(1, Autotune.processors() / Math.max(1, slots));
        if (type != null && kernels != null && rows > 0) {
            return new ComputePlan(type, kernels, rows, eachThreads);
        }
        return Autotune.plan(this, network, device, eachThreads);
    }
}
