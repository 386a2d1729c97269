package io.finestream.weights;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.finestream.dit.DiTConfig;
import io.finestream.dit.DiTParameters;
import io.finestream.torch.TorchOps;
import java.io.IOException;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * The parameters of a DiT in a file, whatever its format, with the reference's tensor names or with those of diffusers. A
 * plain DiT has no affine LayerNorm: its norms become 1 and 0, which computes the same.
 */
public final class DiTWeights {

    private final TensorFile file;
    private final DiTConfig config;
    /** Where each parameter's rows lie, in their order; nowhere for one that follows from the configuration. */
    private final Map<String, List<StoredTensor>> parts;

    private final Map<String, Shape> shapes;

    private DiTWeights(
            TensorFile file, DiTConfig config, Map<String, List<StoredTensor>> parts, Map<String, Shape> shapes) {
        this.file = file;
        this.config = config;
        this.parts = parts;
        this.shapes = shapes;
    }

    /**
     * Finds every parameter in the file.
     *
     * @throws WeightsException that lists the missing, unexpected and misshapen tensors; or if the blocks' copies of an
     *     embedder, which diffusers writes, are not the same
     */
    public static DiTWeights in(TensorFile file, DiTConfig config) throws IOException {
        Map<String, Shape> shapes = DiTParameters.shapes(config);
        Map<String, List<StoredTensor>> parts = DiffusersLayout.isIn(file)
                ? inDiffusersLayout(file, config, shapes)
                : inReferenceLayout(file, config, shapes);
        return new DiTWeights(file, config, parts, shapes);
    }

    private static Map<String, List<StoredTensor>> inReferenceLayout(
            TensorFile file, DiTConfig config, Map<String, Shape> shapes) throws WeightsException {
        Map<String, Shape> gammas = DiTParameters.gammaShapes(config, config.depth());
        gammas.keySet().retainAll(file.names());
        shapes.putAll(gammas);
        boolean oneTable = file.names().contains(DiTParameters.REFERENCE_TABLE);
        file.requireTensors(
                oneTable ? withOneTable(shapes, config) : shapes,
                name -> isNorm(name) || name.equals(DiTParameters.POSITIONS));
        Map<String, List<StoredTensor>> parts = new LinkedHashMap<>();
        shapes.keySet().forEach(name -> {
            StoredTensor tensor = file.tensors().get(name);
            parts.put(name, tensor == null ? List.of() : List.of(tensor));
        });
        if (oneTable) {
            splitTable(parts, file.tensor(DiTParameters.REFERENCE_TABLE), config);
        }
        return parts;
    }

    private static Map<String, List<StoredTensor>> inDiffusersLayout(
            TensorFile file, DiTConfig config, Map<String, Shape> shapes) throws IOException {
        Map<String, Shape> reference = withOneTable(shapes, config);
        file.requireTensors(DiffusersLayout.shapes(reference, config), DiffusersLayout::mayBeMissing);
        Map<String, List<StoredTensor>> parts = new LinkedHashMap<>();
        for (String name : shapes.keySet()) {
            parts.put(
                    name,
                    DiffusersLayout.sources(name).stream()
                            .map(source -> Objects.requireNonNull(file.tensors().get(source)))
                            .toList());
        }
        for (String name : reference.keySet()) {
            if (DiffusersLayout.isCopied(name)) {
                requireSameCopies(file, name, config.depth());
            }
        }
        splitTable(parts, file.tensor(DiffusersLayout.copy(DiTParameters.REFERENCE_TABLE, 0)), config);
        return parts;
    }

    private static void requireSameCopies(TensorFile file, String name, int depth) throws IOException {
        StoredTensor first = file.tensor(DiffusersLayout.copy(name, 0));
        for (int block = 1; block < depth; block++) {
            String copy = DiffusersLayout.copy(name, block);
            if (!first.hasSameBytes(file.tensor(copy))) {
                throw new WeightsException(file.file() + ": " + copy + " is not the same as " + first.name()
                        + ", as it is when it is trained in diffusers, which has an embedder in every block; a DiT has"
                        + " one for all, so this network can not be one");
            }
        }
    }

    /** The shapes with the reference's single label table: subclass rows, then coarse rows. */
    private static Map<String, Shape> withOneTable(Map<String, Shape> shapes, DiTConfig config) {
        Map<String, Shape> reference = new LinkedHashMap<>(shapes);
        reference.remove(DiTParameters.SUBCLASS_TABLE);
        reference.remove(DiTParameters.SUPERCLASS_TABLE);
        reference.put(DiTParameters.REFERENCE_TABLE, tableShape(config));
        return reference;
    }

    private static void splitTable(Map<String, List<StoredTensor>> parts, StoredTensor table, DiTConfig config) {
        int c = config.subclasses();
        parts.put(DiTParameters.SUBCLASS_TABLE, List.of(table.rows(0, c)));
        parts.put(DiTParameters.SUPERCLASS_TABLE, List.of(table.rows(c, c + config.coarseRows())));
    }

    /** Names and shapes: those of {@link DiTParameters#shapes}, and the {@link DiTParameters#gammaShapes} of the file. */
    public Map<String, Shape> shapes() {
        return Collections.unmodifiableMap(shapes);
    }

    /** All of them, as {@link #read}. */
    public Map<String, NDArray> readAll(TorchOps ops, NDManager owner) throws IOException {
        Map<String, NDArray> weights = new LinkedHashMap<>();
        for (String name : shapes.keySet()) {
            weights.put(name, read(ops, owner, name));
        }
        return weights;
    }

    /**
     * A parameter as float32: the file's pages where that is how it lies there, so that it takes no memory until it is
     * used; read-only then.
     *
     * @param owner receives the tensor
     */
    public NDArray read(TorchOps ops, NDManager owner, String name) throws IOException {
        Shape shape = shape(name);
        List<StoredTensor> from = parts.getOrDefault(name, List.of());
        if (from.isEmpty()) {
            return DiTParameters.implied(owner, config, name, shape);
        }
        if (from.size() == 1) {
            return from.get(0).readFloat32(ops, owner);
        }
        try (NDManager m = owner.newSubManager()) {
            NDList rows = new NDList();
            for (StoredTensor part : from) {
                rows.add(part.readFloat32(ops, m));
            }
            NDArray joined = NDArrays.concat(rows, 0);
            joined.attach(owner);
            return joined;
        }
    }

    /**
     * A parameter in bfloat16: the file's pages where that is how it lies there. Otherwise nothing but the result stays in
     * memory.
     *
     * @param scratch float32 [N] on the CPU, to be used again and again
     */
    NDArray readBfloat16(TorchOps ops, NDManager owner, String name, NDArray scratch) throws IOException {
        Shape shape = shape(name);
        List<StoredTensor> from = parts.getOrDefault(name, List.of());
        if (from.size() == 1 && from.get(0).type() == TensorType.BF16) {
            return from.get(0).map(ops, owner);
        }
        NDArray rounded;
        try (NDArray bits = owner.create(shape, DataType.FLOAT16)) {
            rounded = ops.float16AsBfloat16(owner, bits);
        }
        long start = 0;
        for (StoredTensor part : from) {
            part.roundInto(ops, rounded, start, scratch);
            start += part.shape().size();
        }
        if (start == 0 && shape.size() > 0) { // it is in no file
            try (NDArray numbers = read(ops, owner, name);
                    NDArray flat = numbers.reshape(-1)) {
                ops.roundInto(rounded, 0, flat);
            }
        }
        return rounded;
    }

    private Shape shape(String name) throws WeightsException {
        Shape shape = shapes.get(name);
        if (shape == null) {
            throw new WeightsException(file.file() + " has no parameter " + name);
        }
        return shape;
    }

    /** Shape of the reference's single label table: subclass rows, then coarse rows. */
    static Shape tableShape(DiTConfig config) {
        return new Shape(config.subclasses() + config.coarseRows(), config.hiddenSize());
    }

    /** Puts the two label tables in the place of the reference's single one, if that is there. */
    static void splitTable(Map<String, NDArray> weights, DiTConfig config) {
        NDArray table = weights.remove(DiTParameters.REFERENCE_TABLE);
        if (table == null) {
            return;
        }
        int c = config.subclasses();
        weights.put(
                DiTParameters.SUBCLASS_TABLE, table.get(new NDIndex("0:" + c)).duplicate());
        weights.put(
                DiTParameters.SUPERCLASS_TABLE, table.get(new NDIndex(c + ":")).duplicate());
    }

    private static boolean isNorm(String name) {
        return name.matches("blocks\\.\\d+\\.norm[12]\\.(weight|bias)|final_layer\\.norm_final\\.(weight|bias)");
    }
}
