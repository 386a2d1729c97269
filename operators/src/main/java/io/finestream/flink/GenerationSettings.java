package io.finestream.flink;

import io.finestream.autotune.ComputeSettings;
import io.finestream.schemas.wire.WireFormat;
import io.finestream.weights.ModelChoice;
import java.io.Serializable;

/**
 * What the operators of a generation job are told.
 *
 * @param model its files are found where it runs
 * @param device {@code auto} (a GPU if there is one), {@code cpu} or {@code gpu}
 * @param compute arithmetic, kernels, rows of one pass and engine threads
 * @param maxPending most requests that wait in memory, per slot; beyond that Kafka holds them
 * @param maxCount most images of one request record
 * @param swap what a new version of the parameters does to images that have been begun
 * @param wireFormat how records are encoded
 */
public record GenerationSettings(
        ModelChoice model,
        String device,
        ComputeSettings compute,
        int maxPending,
        int maxCount,
        Swap swap,
        WireFormat wireFormat)
        implements Serializable {

    /** When trajectories go over to a new version of the parameters. */
    public enum Swap {
        /** Never: each ends on the version that it began with. */
        FENCED,
        /** At once, in the middle of their way. */
        IMMEDIATE
    }

    /** Most requests that wait in memory, per slot. */
    public static final int MAX_PENDING = 10_000;

    /** Most images of one record: a record stays on its subtask, and clients split larger requests. */
    public static final int MAX_COUNT = 64;

    public GenerationSettings {
        Devices.requireKnown(device);
        requireAtLeast("max pending", maxPending, 1);
        requireAtLeast("max count", maxCount, 1);
    }

    /** For a model on whatever device there is; the same bits on any machine of one kind, so nothing is measured. */
    public static GenerationSettings forModel(String model) {
        return new GenerationSettings(
                ModelChoice.of(model),
                "auto",
                ComputeSettings.DETERMINISTIC,
                MAX_PENDING,
                MAX_COUNT,
                Swap.FENCED,
                new WireFormat.SingleObject());
    }

    public GenerationSettings withMaxRows(int rows) {
        return withCompute(compute.withRows(rows));
    }

    /** The same, computed in another way. */
    public GenerationSettings withCompute(ComputeSettings other) {
        return new GenerationSettings(model, device, other, maxPending, maxCount, swap, wireFormat);
    }

    public GenerationSettings withSwap(Swap other) {
        return new GenerationSettings(model, device, compute, maxPending, maxCount, other, wireFormat);
    }

    private static void requireAtLeast(String what, int value, int least) {
        if (value < least) {
            throw new IllegalArgumentException(what + " is " + value + ", expected at least " + least);
        }
    }
}
