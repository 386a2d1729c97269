package io.finestream.dit;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import io.finestream.torch.TorchOps;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The class-conditional Diffusion Transformer: patches to tokens, blocks modulated by timestep and label, tokens back to
 * patches. Every row of a batch has its own timestep and label, so rows of different trajectories share one pass.
 *
 * <p>Weights are borrowed from the caller, under the parameter names of facebookresearch/DiT (see {@link
 * DiTParameters}). Thread-safe for inference.
 */
public final class DiT {

    /** Of every LayerNorm, but for the second of a block in diffusers. */
    private static final double EPS = 1e-6;

    private static final double DIFFUSERS_EPS = 1e-5;

    private final TorchOps ops;
    private final DiTConfig config;
    private final ComputeType computeType;
    private final Kernels kernels;
    private final NDArray patchWeight; // [D, C, P, P]
    private final NDArray patchBias; // [D]
    private final NDArray posEmbed; // [1, T, D]
    private final TimestepEmbedder timesteps;
    private final TieredEmbedder labels;
    private final List<List<NDArray>> blocks = new ArrayList<>();
    private final List<NDArray> finalLayer;
    private final NDArray heads; // scalar
    private final NDArray eps2; // scalar
    private final NDArray attention; // scalar
    private final NDArray patch; // scalar

    private record Condition(int t, Label label) {}

    /** A network of {@link Kernels#DETERMINISTIC}. */
    public DiT(TorchOps ops, DiTConfig config, Map<String, NDArray> weights, ComputeType computeType) {
        this(ops, config, weights, computeType, Kernels.DETERMINISTIC);
    }

    /**
     * @param weights by the names of {@link DiTParameters#shapes} and, where a block has them, {@link
     *     DiTParameters#gammaShapes}
     * @param computeType arithmetic of the blocks; weights of another type are cast on every call
     * @param kernels of the blocks; what they pack may be packed in {@code weights}, in the arithmetic's type
     */
    public DiT(TorchOps ops, DiTConfig config, Map<String, NDArray> weights, ComputeType computeType, Kernels kernels) {
        this.ops = ops;
        this.config = config;
        this.computeType = computeType;
        this.kernels = kernels;
        patchWeight = get(weights, "x_embedder.proj.weight");
        patchBias = get(weights, "x_embedder.proj.bias");
        posEmbed = get(weights, "pos_embed");
        timesteps = new TimestepEmbedder(
                ops,
                get(weights, "t_embedder.mlp.0.weight"),
                get(weights, "t_embedder.mlp.0.bias"),
                get(weights, "t_embedder.mlp.2.weight"),
                get(weights, "t_embedder.mlp.2.bias"),
                config.diffusersNumerics());
        labels = new TieredEmbedder(
                ops, get(weights, DiTParameters.SUBCLASS_TABLE), get(weights, DiTParameters.SUPERCLASS_TABLE));
        for (int i = 0; i < config.depth(); i++) {
            String prefix = "blocks." + i + ".";
            List<NDArray> block = new ArrayList<>(getAll(weights, prefix, DiTParameters.BLOCK));
            if (DiTParameters.GAMMAS.stream().anyMatch(name -> weights.containsKey(prefix + name))) {
                block.addAll(getAll(weights, prefix, DiTParameters.GAMMAS));
            }
            blocks.add(block);
        }
        finalLayer = getAll(weights, "final_layer.", DiTParameters.FINAL_LAYER);
        heads = ops.scalar(config.numHeads());
        eps2 = ops.scalar(config.diffusersNumerics() ? DIFFUSERS_EPS : EPS);
        attention = ops.scalar(kernels.attention().ordinal());
        patch = ops.scalar(config.patchSize());
    }

    /**
     * The same network with other weights. It allocates nothing.
     *
     * @param grown this network's, with as many classes as the label tables have
     * @param weights every one, by name; most of them may be this network's
     */
    public DiT with(DiTConfig grown, Map<String, NDArray> weights) {
        return new DiT(ops, grown, weights, computeType, kernels);
    }

    /**
     * Predicts noise and variance.
     *
     * @param m receives the result and everything made on the way
     * @param x noisy latents, float32 [N, C, H, W]
     * @param again latents that are predicted a second time, with another label: [B - N] rows of {@code x}
     * @param t timestep per row, 0..999: of the N latents, then of those again
     * @param rowLabels label per row
     * @return float32 [B, 2C, H, W]: the prediction, then the variance interpolation
     */
    public NDArray forward(NDManager m, NDArray x, long[] again, int[] t, List<Label> rowLabels) {
        NDArray h = castTokens(m, x); // [N, T, D]
        if (again.length > 0) {
            NDArray more = h.get(m.create(again));
            h = NDArrays.concat(new NDList(h, more), 0); // [B, T, D]
            h.attach(m);
            more.close();
        }
        Map<Condition, Long> conditions = new LinkedHashMap<>(); // rows at the same step of the same class share one
        long[] conditionOf = new long[t.length];
        for (int b = 0; b < t.length; b++) {
            Condition condition = new Condition(t[b], rowLabels.get(b));
            conditionOf[b] = conditions.computeIfAbsent(condition, added -> (long) conditions.size());
        }
        NDArray rows = m.create(conditionOf); // [B]
        NDArray c = condition(
                m,
                conditions.keySet().stream().mapToInt(Condition::t).toArray(),
                conditions.keySet().stream().map(Condition::label).toList(),
                h); // [R, D], R conditions: padded
        for (int i = 0; i < config.depth(); i++) {
            NDArray next = block(m, i, h, c, rows); // [B, T, D]
            if (!ops.recordsGradients()) {
                h.close(); // otherwise a deep model holds the activations of every block
            }
            h = next;
        }
        return prediction(m, h, c, rows);
    }

    /** The same, every latent once. */
    public NDArray forward(NDManager m, NDArray x, int[] t, List<Label> rowLabels) {
        return forward(m, x, new long[0], t, rowLabels);
    }

    public DiTConfig config() {
        return config;
    }

    /** Tokens in the type of the blocks. */
    NDArray castTokens(NDManager m, NDArray x) {
        return computeType.cast(ops, m, tokens(m, x)); // [B, T, D]
    }

    NDArray tokens(NDManager m, NDArray x) {
        return ops.patchEmbed(m, x, patchWeight, patchBias, posEmbed); // [B, T, D]
    }

    /** SiLU of the sum of both embeddings, in the type of h, with R rows: padded. */
    NDArray condition(NDManager m, int[] t, List<Label> rowLabels, NDArray h) {
        return ops.condition(m, embedTimesteps(m, t), embedLabels(m, rowLabels), h); // [R, D]
    }

    /** What the last layer makes of the last block's result. */
    NDArray prediction(NDManager m, NDArray h, NDArray c, NDArray rows) {
        NDArray patches = ops.finalLayer(m, h, c, rows, finalLayer); // [B, T, P*P*2C]
        return ops.unpatchify(m, ops.toFloat32(m, patches), patch); // [B, 2C, H, W]
    }

    NDArray embedTimesteps(NDManager m, int[] t) {
        return timesteps.forward(m, t); // [B, D]
    }

    NDArray embedLabels(NDManager m, List<Label> rowLabels) {
        return labels.forward(m, rowLabels); // [B, D]
    }

    NDArray block(NDManager m, int index, NDArray h, NDArray c, NDArray rows) {
        return ops.block(m, h, c, rows, heads, eps2, attention, blocks.get(index)); // [B, T, D]
    }

    /**
     * Whether gradients can be had of {@link #blockForTraining}: the blocks' matrices are frozen, and the engine has
     * kernels of attention for both directions that it names, as on the CPU.
     */
    boolean trainsVectorsOnly() {
        return ops.recordsGradients()
                && !posEmbed.getDevice().isGpu()
                && blocks.stream().flatMap(List::stream).noneMatch(w -> isMatrix(w) && w.hasGradient());
    }

    private static boolean isMatrix(NDArray weight) {
        return weight.getShape().dimension() > 1;
    }

    /** @return the block's result, then what {@link #blockBackward} takes of it */
    List<NDArray> blockForTraining(NDManager m, int index, NDArray h, NDArray c) {
        return ops.blockForTraining(m, h, c, heads, eps2, blocks.get(index)); // [B, T, D], ...
    }

    /** @return gradients of the block's h and of c, {@code gc} added, and of its {@link #vectorNames} */
    List<NDArray> blockBackward(NDManager m, int index, NDArray g, NDArray gc, List<NDArray> saved) {
        return ops.blockBackward(m, g, gc, heads, blocks.get(index), saved); // [B, T, D], [R, D], ...
    }

    /** A copy of x from which gradients are recorded anew. */
    NDArray leaf(NDManager m, NDArray x) {
        return ops.leaf(m, x);
    }

    boolean isRecorded(NDArray x) {
        return ops.isRecorded(x);
    }

    /** Names of a block's vectors, in the order in which {@link #blockBackward} gives their gradients. */
    List<String> vectorNames(int index) {
        List<String> names = new ArrayList<>();
        List<NDArray> weights = blocks.get(index);
        for (int i = 0; i < weights.size(); i++) {
            if (!isMatrix(weights.get(i))) {
                names.add("blocks." + index + "." + DiTParameters.blockName(i));
            }
        }
        return names;
    }

    private static List<NDArray> getAll(Map<String, NDArray> weights, String prefix, List<String> names) {
        return names.stream().map(name -> get(weights, prefix + name)).toList();
    }

    private static NDArray get(Map<String, NDArray> weights, String name) {
        NDArray weight = weights.get(name);
        if (weight == null) {
            throw new IllegalArgumentException("weight '" + name + "' is missing");
        }
        return weight;
    }
}
