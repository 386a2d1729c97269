package io.finestream.dit;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.finestream.torch.TorchOps;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;

/**
 * Names, shapes and initial values of the parameters, after facebookresearch/DiT models.py@ed81ce2 and its FineDiffusion
 * descendant @ffd2b24 (affine LayerNorm). Only the label table differs: the reference keeps both tiers in one.
 */
public final class DiTParameters {

    public static final String SUBCLASS_TABLE = "y_embedder.subclass_table.weight";
    public static final String SUPERCLASS_TABLE = "y_embedder.superclass_table.weight";
    /** The reference's single table: subclass rows, then superclass rows. */
    public static final String REFERENCE_TABLE = "y_embedder.embedding_table.weight";

    /** Parameters of a block, in the order in which the fused block takes them. */
    static final List<String> BLOCK = List.of(
            "norm1.weight",
            "norm1.bias",
            "attn.qkv.weight",
            "attn.qkv.bias",
            "attn.proj.weight",
            "attn.proj.bias",
            "norm2.weight",
            "norm2.bias",
            "mlp.fc1.weight",
            "mlp.fc1.bias",
            "mlp.fc2.weight",
            "mlp.fc2.bias",
            "adaLN_modulation.1.weight",
            "adaLN_modulation.1.bias");

    /** DiffFit's scales of a block's two branches: parameters that a block may have, in the order of the fused block. */
    static final List<String> GAMMAS = List.of("gamma1", "gamma2");

    static final List<String> FINAL_LAYER = List.of(
            "norm_final.weight",
            "norm_final.bias",
            "linear.weight",
            "linear.bias",
            "adaLN_modulation.1.weight",
            "adaLN_modulation.1.bias");

    /** Computed, and saved by the reference. */
    public static final String POSITIONS = "pos_embed";

    private static final int GAMMA_BLOCKS = 14;
    private static final float EMBEDDING_STD = 0.02f;

    private DiTParameters() {}

    /** Every parameter's name and shape, in the order of the reference's state dict. */
    public static Map<String, Shape> shapes(DiTConfig config) {
        long d = config.hiddenSize();
        long p = config.patchSize();
        Map<String, Shape> shapes = new LinkedHashMap<>();
        shapes.put(POSITIONS, new Shape(1, config.tokens(), d));
        shapes.put("x_embedder.proj.weight", new Shape(d, config.inChannels(), p, p));
        shapes.put("x_embedder.proj.bias", new Shape(d));
        shapes.put("t_embedder.mlp.0.weight", new Shape(d, TimestepEmbedder.FEATURES));
        shapes.put("t_embedder.mlp.0.bias", new Shape(d));
        shapes.put("t_embedder.mlp.2.weight", new Shape(d, d));
        shapes.put("t_embedder.mlp.2.bias", new Shape(d));
        shapes.put(SUBCLASS_TABLE, new Shape(config.subclasses(), d));
        shapes.put(SUPERCLASS_TABLE, new Shape(config.coarseRows(), d));
        for (int i = 0; i < config.depth(); i++) {
            for (String name : BLOCK) {
                shapes.put("blocks." + i + "." + name, layerShape(name, d, 0));
            }
        }
        for (String name : FINAL_LAYER) {
            shapes.put("final_layer." + name, layerShape(name, d, p * p * 2 * config.inChannels()));
        }
        return shapes;
    }

    /**
     * Names and shapes of DiffFit's scales (arXiv 2304.06648) of the first {@code blocks} blocks; a network
     * without them computes as with ones.
     */
    public static Map<String, Shape> gammaShapes(DiTConfig config, int blocks) {
        if (blocks < 1 || blocks > config.depth()) {
            throw new IllegalArgumentException(
                    "blocks with gammas is " + blocks + ", expected 1 to " + config.depth() + ", the network's depth");
        }
        Map<String, Shape> shapes = new LinkedHashMap<>();
        for (int i = 0; i < blocks; i++) {
            for (String name : GAMMAS) {
                shapes.put("blocks." + i + "." + name, new Shape(config.hiddenSize()));
            }
        }
        return shapes;
    }

    /** How many blocks have scales where nobody says: DiffFit's best for DiT-XL, the first 14, or all of fewer. */
    public static int gammaBlocks(DiTConfig config) {
        return Math.min(GAMMA_BLOCKS, config.depth());
    }

    /** Fresh scales of the first {@code blocks} blocks, all 1: the network computes what it did without them. */
    public static Map<String, NDArray> initialGammas(NDManager owner, DiTConfig config, int blocks) {
        Map<String, NDArray> gammas = new LinkedHashMap<>();
        gammaShapes(config, blocks).forEach((name, shape) -> gammas.put(name, owner.ones(shape)));
        return gammas;
    }

    /** Name within a block of the weight that the fused block takes at {@code index}. */
    static String blockName(int index) {
        return index < BLOCK.size() ? BLOCK.get(index) : GAMMAS.get(index - BLOCK.size());
    }

    private static Shape layerShape(String name, long d, long out) {
        boolean finalLayer = out > 0;
        long rows = switch (name.substring(0, name.lastIndexOf('.'))) {
            case "attn.qkv" -> 3 * d;
            case "mlp.fc1" -> 4 * d;
            case "adaLN_modulation.1" -> finalLayer ? 2 * d : 6 * d;
            case "linear" -> out;
            default -> d;
        };
        boolean vector = name.endsWith(".bias") || name.startsWith("norm");
        long columns = name.startsWith("mlp.fc2") ? 4 * d : d;
        return vector ? new Shape(rows) : new Shape(rows, columns);
    }

    /**
     * Fresh parameters as the reference initialises them: Xavier-uniform linear layers, zero biases, N(0, 0.02²) label
     * tables and timestep MLP, zero adaLN and output layers.
     *
     * @param owner its engine's random seed decides the values
     */
    public static Map<String, NDArray> initialise(NDManager owner, DiTConfig config) {
        Map<String, NDArray> parameters = new LinkedHashMap<>();
        shapes(config).forEach((name, shape) -> parameters.put(name, initial(owner, config, name, shape)));
        return parameters;
    }

    /**
     * Label tables that set labels well apart from the start, so that a short training tells them apart sooner than from
     * the reference's: superclass rows N(0, {@code std}²), and each subclass row its superclass's plus N(0, {@code std}²),
     * so that what one species teaches about its family serves the others.
     *
     * @param superclassOf superclass of each subclass
     */
    public static Map<String, NDArray> tieredLabels(
            NDManager owner, DiTConfig config, IntUnaryOperator superclassOf, double std) {
        Map<String, Shape> shapes = shapes(config);
        NDArray coarse = normal(owner, shapes, SUPERCLASS_TABLE, std); // [S, D]
        NDArray fine = normal(owner, shapes, SUBCLASS_TABLE, std); // [C, D]
        long[] rows = IntStream.range(0, config.subclasses())
                .map(superclassOf)
                .asLongStream()
                .toArray();
        NDArray families = coarse.get(owner.create(rows)); // [C, D]
        return Map.of(SUPERCLASS_TABLE, coarse, SUBCLASS_TABLE, fine.add(families));
    }

    /**
     * First rows of classes that a network does not have yet: a subclass starts as its superclass, a superclass as the
     * mean of those that are there.
     *
     * @param owner receives the rows
     * @param config of the network as it is
     * @param taxonomy its classes, and the new ones behind them ({@link Taxonomy#plus})
     * @return float32, to be appended to the label tables of these names; without a table to which nothing is added
     */
    public static Map<String, NDArray> newRows(
            NDManager owner, Map<String, NDArray> weights, DiTConfig config, Taxonomy taxonomy) {
        int oldCoarse = config.superclasses();
        int newCoarse = taxonomy.superclasses().size() - oldCoarse;
        int newFine = taxonomy.subclasses().size() - config.subclasses();
        if (oldCoarse == 0 || newCoarse < 0 || newFine < 0) {
            throw new IllegalArgumentException("a network of " + config.subclasses() + " subclasses in " + oldCoarse
                    + " superclasses can not grow to " + taxonomy.subclasses().size() + " in "
                    + taxonomy.superclasses().size() + "; expected its own classes and more behind them");
        }
        int d = config.hiddenSize();
        float[] table = Objects.requireNonNull(weights.get(SUPERCLASS_TABLE)).toFloatArray(); // [S, D], and a null row
        List<float[]> bySuperclass = new ArrayList<>();
        for (int superclass = 0; superclass < oldCoarse; superclass++) {
            int row = config.superclassRow(superclass);
            bySuperclass.add(Arrays.copyOfRange(table, row * d, (row + 1) * d));
        }
        bySuperclass.addAll(Collections.nCopies(newCoarse, mean(bySuperclass)));
        Map<String, NDArray> rows = new LinkedHashMap<>();
        if (newFine > 0) {
            rows.put(
                    SUBCLASS_TABLE,
                    owner.create(IntStream.range(config.subclasses(), config.subclasses() + newFine)
                            .mapToObj(subclass -> bySuperclass.get(taxonomy.superclassOf(subclass)))
                            .toArray(float[][]::new)));
        }
        if (newCoarse > 0) {
            rows.put(
                    SUPERCLASS_TABLE,
                    owner.create(bySuperclass
                            .subList(oldCoarse, oldCoarse + newCoarse)
                            .toArray(float[][]::new)));
        }
        return rows;
    }

    private static float[] mean(List<float[]> rows) {
        float[] mean = new float[rows.get(0).length];
        for (int k = 0; k < mean.length; k++) {
            int column = k;
            mean[k] = (float)
                    rows.stream().mapToDouble(row -> row[column]).average().orElseThrow();
        }
        return mean;
    }

    /**
     * The parameters with label tables for more classes ({@link #newRows}), for {@link DiTConfig#withClasses}. Rows that
     * were there stay where and as they are, to the last bit, and with them the results for their classes.
     *
     * @param owner receives the tables that grow; everything else is passed through
     */
    public static Map<String, NDArray> grow(
            NDManager owner, Map<String, NDArray> weights, DiTConfig config, Taxonomy taxonomy) {
        Map<String, NDArray> grown = new LinkedHashMap<>(weights);
        try (NDManager m = owner.newSubManager()) {
            newRows(m, weights, config, taxonomy)
                    .forEach((name, rows) -> grown.computeIfPresent(name, (key, table) -> {
                        NDArray taller = table.concat(rows);
                        taller.attach(owner);
                        return taller;
                    }));
        }
        return grown;
    }

    private static NDArray normal(NDManager owner, Map<String, Shape> shapes, String name, double std) {
        return owner.randomNormal(0f, (float) std, Objects.requireNonNull(shapes.get(name)), DataType.FLOAT32);
    }

    /**
     * A parameter that a file need not have, because it follows from the configuration: positions, and the affine norms
     * of a network that has none.
     */
    public static NDArray implied(NDManager owner, DiTConfig config, String name, Shape shape) {
        if (name.equals(POSITIONS)) {
            return owner.create(positions(config), shape);
        }
        return name.endsWith(".weight") ? owner.ones(shape) : owner.zeros(shape);
    }

    private static NDArray initial(NDManager owner, DiTConfig config, String name, Shape shape) {
        if (name.equals(POSITIONS) || name.contains("norm")) {
            return implied(owner, config, name, shape);
        }
        if (name.endsWith(".bias") || name.contains("adaLN_modulation") || name.startsWith("final_layer.linear")) {
            return owner.zeros(shape);
        }
        if (name.startsWith("y_embedder") || name.startsWith("t_embedder")) {
            return owner.randomNormal(0f, EMBEDDING_STD, shape, DataType.FLOAT32);
        }
        long fanOut = shape.get(0);
        long fanIn = shape.size() / fanOut;
        float bound = (float) Math.sqrt(6.0 / (fanIn + fanOut));
        return owner.randomUniform(-bound, bound, shape, DataType.FLOAT32);
    }

    /**
     * Sine-cosine embedding of the token grid, [T, D] flattened: the column's sines and cosines fill the first half, the
     * row's the second.
     */
    static float[] positions(DiTConfig config) {
        int side = config.inputSize() / config.patchSize();
        int d = config.hiddenSize();
        int quarter = d / 4;
        float[] pos = new float[side * side * d];
        for (int token = 0; token < side * side; token++) {
            int row = token / side;
            int column = token % side;
            for (int k = 0; k < quarter; k++) {
                double omega = Math.pow(10_000, -k / (double) quarter);
                int at = token * d + k;
                pos[at] = (float) Math.sin(column * omega);
                pos[at + quarter] = (float) Math.cos(column * omega);
                pos[at + 2 * quarter] = (float) Math.sin(row * omega);
                pos[at + 3 * quarter] = (float) Math.cos(row * omega);
            }
        }
        return pos;
    }

    /**
     * Copies weights for inference in {@code computeType}: matrices, biases and norms of the blocks are stored in that
     * type, so that no call casts them.
     *
     * @param owner receives the copies; tensors that need no cast are passed through
     */
    public static Map<String, NDArray> castForInference(
            TorchOps ops, NDManager owner, Map<String, NDArray> weights, ComputeType computeType) {
        Map<String, NDArray> cast = new LinkedHashMap<>();
        weights.forEach((name, weight) ->
                cast.put(name, isCastForInference(name) ? computeType.cast(ops, owner, weight) : weight));
        return cast;
    }

    /** Whether the network computes with this parameter in its {@link ComputeType}, not in float32. */
    public static boolean isCastForInference(String name) {
        return name.startsWith("blocks.") || name.startsWith("final_layer.");
    }
}
