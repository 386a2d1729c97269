package io.finestream.dit;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import io.finestream.torch.TorchOps;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One pass of a network forth and back. Where the matrices of the blocks are frozen, the blocks' backward pass is their
 * own, which costs less time and memory than autograd; it stays with what comes before and after them.
 *
 * <p>Belongs to one thread, which must be prepared with gradients on.
 */
public final class TrainingPass {

    private final DiT dit;
    private final List<List<NDArray>> saved = new ArrayList<>(); // per block
    private @Nullable Blocks blocks; // null where autograd does it all

    /**
     * Where autograd ends before the blocks, and where it begins after them.
     *
     * @param tokens recorded [B, T, D]
     * @param condition recorded [R, D]
     * @param result of the last block, a leaf [B, T, D]
     * @param conditionAfter the condition as a leaf [R, D]
     */
    private record Blocks(NDArray tokens, NDArray condition, NDArray result, NDArray conditionAfter) {}

    /** @param dit that records gradients */
    public TrainingPass(DiT dit) {
        this.dit = dit;
    }

    /** As {@link DiT#forward}; once. */
    public NDArray forward(NDManager m, NDArray x, int[] t, List<Label> rowLabels) {
        if (!dit.trainsVectorsOnly()) {
            return dit.forward(m, x, t, rowLabels);
        }
        NDArray tokens = dit.castTokens(m, x); // [B, T, D]
        NDArray condition = dit.condition(m, t, rowLabels, tokens); // [R, D]
        NDArray h = tokens;
        for (int i = 0; i < dit.config().depth(); i++) {
            List<NDArray> made = dit.blockForTraining(m, i, h, condition);
            if (i > 0) {
                h.close();
            }
            h = made.get(0); // [B, T, D]
            saved.add(made.subList(1, made.size()));
        }
        blocks = new Blocks(tokens, condition, dit.leaf(m, h), dit.leaf(m, condition));
        NDArray rows = m.arange(0, t.length, 1, DataType.INT64); // every row has a condition of its own
        return dit.prediction(m, blocks.result(), blocks.conditionAfter(), rows); // [B, 2C, H, W]
    }

    /**
     * Back-propagates a scalar. Gradients of what is outside the blocks accumulate in the parameters themselves.
     *
     * @param loss made of the result of {@link #forward}
     * @return the gradients of the blocks' vectors by name, where they are not in the parameters too
     */
    public Map<String, NDArray> backward(NDManager m, NDArray loss) {
        TorchOps.backward(loss);
        Map<String, NDArray> gradients = new HashMap<>();
        if (blocks == null) {
            return gradients;
        }
        NDArray g = gradient(m, blocks.result()); // [B, T, D]
        NDArray gc = gradient(m, blocks.conditionAfter()); // [R, D]
        for (int i = dit.config().depth() - 1; i >= 0; i--) {
            List<NDArray> kept = saved.remove(i);
            List<NDArray> made = dit.blockBackward(m, i, g, gc, kept);
            kept.forEach(NDArray::close);
            g.close();
            gc.close();
            g = made.get(0);
            gc = made.get(1);
            List<String> names = dit.vectorNames(i);
            for (int k = 0; k < names.size(); k++) {
                gradients.put(names.get(k), made.get(2 + k)); // [D], or more
            }
        }
        backwardIfRecorded(blocks.tokens(), g);
        backwardIfRecorded(blocks.condition(), gc);
        return gradients;
    }

    private static NDArray gradient(NDManager m, NDArray leaf) {
        NDArray gradient = Objects.requireNonNull(leaf.getGradient());
        gradient.attach(m);
        return gradient;
    }

    private void backwardIfRecorded(NDArray tensor, NDArray gradient) {
        if (dit.isRecorded(tensor)) {
            TorchOps.backward(tensor, gradient);
        }
    }
}
