package io.finestream.autotune;

import io.finestream.dit.ComputeType;
import io.finestream.dit.Kernels;

/**
 * How a network is computed.
 *
 * @param rows most rows of one pass of the network, per slot
 * @param threads engine threads per slot
 */
public record ComputePlan(ComputeType type, Kernels kernels, int rows, int threads) {

    /** The same as settings: nothing is open. */
    public ComputeSettings settings() {
        return new ComputeSettings(type, kernels, rows, threads);
    }

    @Override
    public String toString() {
        return type + ", " + kernels + ", up to " + rows + " rows a step, " + threads
                + (threads == 1 ? " engine thread" : " engine threads") + " per slot";
    }
}
