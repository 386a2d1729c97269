package io.finestream.dit;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.finestream.torch.TorchOps;
import java.util.List;

/**
 * Label embeddings in two tiers (FineDiffusion, {@code TieredEmbedder} in models.py@ffd2b24): a row is conditioned on
 * its subclass, or on its superclass in place of the null label. The reference keeps one table of C + S rows; here
 * there are two, so that a new subclass does not shift the superclasses.
 */
final class TieredEmbedder {

    private final TorchOps ops;
    private final NDArray fine; // [C, D]
    private final NDArray coarse; // [S, D]

    TieredEmbedder(TorchOps ops, NDArray fine, NDArray coarse) {
        this.ops = ops;
        this.fine = fine;
        this.coarse = coarse;
    }

    /** @throws IllegalArgumentException if a label is outside its table: the engine itself would crash or read rubbish */
    NDArray forward(NDManager m, List<Label> labels) {
        long[] rows = new long[labels.size()];
        boolean[] isFine = new boolean[labels.size()];
        for (int b = 0; b < rows.length; b++) {
            Label label = labels.get(b);
            isFine[b] = label.tier() == Label.Tier.FINE;
            rows[b] = label.row();
            long size = (isFine[b] ? fine : coarse).getShape().get(0);
            if (label.row() < 0 || label.row() >= size) {
                throw new IllegalArgumentException(
                        "label " + label + " is outside its table, which has " + size + " rows");
            }
        }
        return ops.tieredRows(m, fine, coarse, m.create(rows), m.create(isFine)); // [B, D]
    }
}
