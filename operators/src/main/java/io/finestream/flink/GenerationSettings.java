package io.finestream.flink;

import io.finestream.dit.ComputeType;
import io.finestream.schemas.wire.WireFormat;
import java.io.Serializable;

/**
 * What the operators of a generation job are told.
 *
 * @param model directory of the model, or the name of a shipped one
 * @param device {@code auto} (a GPU if there is one), {@code cpu} or {@code gpu}
 * @param computeType arithmetic of the network
 * @param maxRows most rows of one pass of the network, per slot; a guided sample takes two
 * @param intraOpThreads engine threads per slot; 0: the machine's processors divided by the job's parallelism
 * @param maxPending most requests that wait in memory, per slot; beyond that Kafka holds them
 * @param maxCount most images of one request record
 * @param swap what a new version of the parameters does to images that have been begun
 * @param wireFormat how records are encoded
 */
public record GenerationSettings(
        String model,
        String device,
        ComputeType computeType,
        int maxRows,
        int intraOpThreads,
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

    /** Most rows of one pass of the network, per slot. */
    public static final int MAX_ROWS = 24;

    /** Most requests that wait in memory, per slot. */
    public static final int MAX_PENDING = 10_000;

    /** Most images of one record: a record stays on its subtask, and clients split larger requests. */
    public static final int MAX_COUNT = 64;

    public GenerationSettings {
        Devices.requireKnown(device);
        requireAtLeast("max rows", maxRows, 2);
        requireAtLeast("engine threads", intraOpThreads, 0);
        requireAtLeast("max pending", maxPending, 1);
        requireAtLeast("max count", maxCount, 1);
    }

    /** The defaults for a model on whatever device there is. */
    public static GenerationSettings forModel(String model) {
        return new GenerationSettings(
                model,
                "auto",
                ComputeType.FP32,
                MAX_ROWS,
                0,
                MAX_PENDING,
                MAX_COUNT,
                Swap.FENCED,
                new WireFormat.SingleObject());
    }

    public GenerationSettings withMaxRows(int rows) {
        return new GenerationSettings(
                model, device, computeType, rows, intraOpThreads, maxPending, maxCount, swap, wireFormat);
    }

    public GenerationSettings withSwap(Swap other) {
        return new GenerationSettings(
                model, device, computeType, maxRows, intraOpThreads, maxPending, maxCount, other, wireFormat);
    }

    private static void requireAtLeast(String what, int value, int least) {
        if (value < least) {
            throw new IllegalArgumentException(what + " is " + value + ", expected at least " + least);
        }
    }
}
