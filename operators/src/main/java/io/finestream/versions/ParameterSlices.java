package io.finestream.versions;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.finestream.dit.DiTParameters;
import io.finestream.schemas.HeldBackCandidate;
import io.finestream.schemas.ParameterSlice;
import io.finestream.schemas.ParameterVersion;
import io.finestream.schemas.TensorType;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.zip.CRC32;

/**
 * Cuts tensors into the slices of a version. Where a tensor is cut depends on its name and the shape of its rows alone,
 * so that the same rows have the same key in every version and compaction keeps the newest of each. A slice may also be
 * a whole tensor: that is how versions are kept in memory and in state.
 */
public final class ParameterSlices {

    /** Most bytes of a slice, unless a single row has more. */
    static final int MOST_BYTES = 1 << 20;

    /** They grow and are touched by the row, so each row is a slice of its own. */
    private static final Set<String> LABEL_TABLES =
            Set.of(DiTParameters.SUBCLASS_TABLE, DiTParameters.SUPERCLASS_TABLE);

    private ParameterSlices() {}

    /** The key of a slice in the topic: {@code tensor[first:end]}. */
    public static String key(ParameterSlice slice) {
        long end = slice.getRowStart() + slice.getRowCount();
        return slice.getTensor() + "[" + slice.getRowStart() + ":" + end + "]";
    }

    /**
     * The key of a commit record, {@code version/N/publisher}: no two are the same, so that compaction keeps them all. Two
     * publishers that take the same number at once must not remove each other's.
     */
    public static String key(ParameterVersion commit) {
        return "version/" + commit.getVersion() + "/" + commit.getPublisher();
    }

    /** The key of a candidate that was held back: compaction keeps them all, too. */
    public static String key(HeldBackCandidate candidate) {
        return "held-back/" + candidate.getStep() + "/" + candidate.getPublisher();
    }

    /** A whole tensor, float32, as one slice. */
    public static ParameterSlice whole(long version, String name, NDArray tensor) {
        if (tensor.getDataType() != DataType.FLOAT32) {
            throw new IllegalArgumentException(
                    "tensor '" + name + "' is " + tensor.getDataType() + ", expected float32; cast it first");
        }
        long[] shape = tensor.getShape().getShape();
        return slice(version, name, shape, 0, rows(shape), tensor.toByteBuffer());
    }

    /** The values of a whole tensor; {@code owner} receives them. */
    private static NDArray tensor(NDManager owner, ParameterSlice whole) {
        return owner.create(whole.getData().duplicate(), new Shape(shape(whole)), DataType.FLOAT32);
    }

    /** The values of whole tensors by name; {@code owner} receives them. */
    public static Map<String, NDArray> tensors(NDManager owner, Collection<ParameterSlice> whole) {
        Map<String, NDArray> tensors = new LinkedHashMap<>();
        whole.forEach(slice -> tensors.put(slice.getTensor(), tensor(owner, slice)));
        return tensors;
    }

    /**
     * The slices of {@code tensors} that differ, in any bit, from what was before.
     *
     * @param version that they are to belong to
     * @param tensors whole, float32
     * @param before whole tensors by name; of one that is not there every slice counts as changed, and so do rows beyond
     *     its last
     */
    public static List<ParameterSlice> changed(
            long version, Collection<ParameterSlice> tensors, Map<String, ParameterSlice> before) {
        List<ParameterSlice> changed = new ArrayList<>();
        for (ParameterSlice tensor : tensors) {
            long[] shape = shape(tensor);
            ParameterSlice old = before.get(tensor.getTensor());
            int step = rowsPerSlice(tensor.getTensor(), shape);
            for (int first = 0; first < rows(shape); first += step) {
                int count = (int) Math.min(step, rows(shape) - first);
                ByteBuffer data = rowsOf(tensor, first, count);
                if (old == null || first + count > old.getRowCount() || !data.equals(rowsOf(old, first, count))) {
                    changed.add(slice(version, tensor.getTensor(), shape, first, count, data));
                }
            }
        }
        return changed;
    }

    /** Rows of every slice of a tensor but its last. */
    static int rowsPerSlice(String name, long[] shape) {
        long bytes = Math.max(1, bytesPerRow(shape));
        return LABEL_TABLES.contains(name) ? 1 : (int) Math.max(1, MOST_BYTES / bytes);
    }

    /** Rows of a tensor: its first dimension, 1 for a scalar. */
    static long rows(long[] shape) {
        return shape.length == 0 ? 1 : shape[0];
    }

    /** Bytes of a row in float32. */
    static long bytesPerRow(long[] shape) {
        long size = Float.BYTES;
        for (int i = 1; i < shape.length; i++) {
            size = Math.multiplyExact(size, shape[i]);
        }
        return size;
    }

    /** CRC-32 of what remains in {@code data}. */
    static long crc32(ByteBuffer data) {
        CRC32 crc = new CRC32();
        crc.update(data.duplicate());
        return crc.getValue();
    }

    private static ByteBuffer rowsOf(ParameterSlice tensor, int first, int count) {
        int row = tensor.getRowCount() == 0 ? 0 : (int) (tensor.getData().remaining() / tensor.getRowCount());
        ByteBuffer data = tensor.getData();
        return data.slice(data.position() + first * row, count * row);
    }

    static ParameterSlice slice(long version, String name, long[] shape, long first, long count, ByteBuffer data) {
        List<Long> sides = new ArrayList<>();
        for (long side : shape) {
            sides.add(side);
        }
        return ParameterSlice.newBuilder()
                .setVersion(version)
                .setTensor(name)
                .setRowStart(first)
                .setRowCount(count)
                .setShape(sides)
                .setDtype(TensorType.F32)
                .setData(data)
                .setCrc32(crc32(data))
                .build();
    }

    /** The shape of the whole tensor. */
    static long[] shape(ParameterSlice slice) {
        return slice.getShape().stream().mapToLong(Long::longValue).toArray();
    }

    /** Whether two tensors differ at most in the number of their rows. */
    static boolean sameRows(long[] a, long[] b) {
        if (a.length != b.length) {
            return false;
        }
        for (int i = 1; i < a.length; i++) {
            if (a[i] != b[i]) {
                return false;
            }
        }
        return true;
    }
}
