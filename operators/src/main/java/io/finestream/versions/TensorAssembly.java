package io.finestream.versions;

import io.finestream.schemas.ParameterSlice;
import io.finestream.schemas.TensorType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/**
 * A tensor that is put together from slices, float32. What {@link #whole} has given away stays as it is: a slice that
 * comes later goes into a copy.
 */
final class TensorAssembly {

    private final String name;
    private long[] shape;
    private byte[] data;
    private final BitSet known = new BitSet(); // rows that came, or were the base model's
    private long version; // of the last slice
    private @Nullable ParameterSlice whole;

    private TensorAssembly(String name, long[] shape, byte[] data) {
        this.name = name;
        this.shape = shape;
        this.data = data;
    }

    /** A tensor of which nothing is known. */
    static TensorAssembly empty(String name, long[] shape) throws VersionException {
        return new TensorAssembly(name, shape.clone(), new byte[bytes(name, shape)]);
    }

    /** A tensor of the base model, or of a version that slices are to change. */
    static TensorAssembly of(ParameterSlice whole) {
        byte[] data = new byte[whole.getData().remaining()];
        whole.getData().duplicate().get(data);
        TensorAssembly tensor = new TensorAssembly(whole.getTensor(), ParameterSlices.shape(whole), data);
        tensor.known.set(0, Math.toIntExact(whole.getRowCount()));
        tensor.version = whole.getVersion();
        return tensor;
    }

    long[] shape() {
        return shape.clone();
    }

    /**
     * Puts the rows of a slice in their place. A tensor grows to as many rows as the slice says that it has, and never
     * shrinks.
     *
     * @throws VersionException if the slice does not fit, or is damaged
     */
    void put(ParameterSlice slice) throws VersionException {
        long[] sides = ParameterSlices.shape(slice);
        long first = slice.getRowStart();
        long count = slice.getRowCount();
        long elements = slice.getData().remaining() / (slice.getDtype() == TensorType.F32 ? 4 : 2);
        boolean fits = ParameterSlices.sameRows(sides, shape)
                && first >= 0
                && count >= 0
                && first + count <= ParameterSlices.rows(sides)
                && elements * Float.BYTES == count * ParameterSlices.bytesPerRow(sides);
        if (!fits) {
            throw new VersionException("slice " + ParameterSlices.key(slice) + " of version " + slice.getVersion()
                    + " has " + elements + " elements of a tensor " + Arrays.toString(sides) + ", which do not fit "
                    + name + " of shape " + Arrays.toString(shape) + "; publish the version again");
        }
        long crc = ParameterSlices.crc32(slice.getData());
        if (crc != slice.getCrc32()) {
            throw new VersionException("slice " + ParameterSlices.key(slice) + " of version " + slice.getVersion()
                    + " is damaged: the CRC-32 of its data is " + crc + ", its record says " + slice.getCrc32()
                    + "; publish the version again");
        }
        int size = Math.max(data.length, bytes(name, sides));
        if (whole != null || size > data.length) {
            data = Arrays.copyOf(data, size);
            whole = null;
        }
        if (ParameterSlices.rows(sides) > ParameterSlices.rows(shape)) {
            shape = sides;
        }
        int at = (int) (first * ParameterSlices.bytesPerRow(sides));
        copyFloat32(slice, ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN).position(at));
        known.set((int) first, (int) (first + count));
        version = slice.getVersion();
    }

    /** @throws VersionException if rows are missing */
    ParameterSlice whole() throws VersionException {
        int rows = Math.toIntExact(ParameterSlices.rows(shape));
        int missing = known.nextClearBit(0);
        if (missing < rows) {
            throw new VersionException(
                    "row " + missing + " of tensor " + name + " came with no version; if it is the base"
                            + " model's, name that model, otherwise publish the version again");
        }
        if (whole == null) {
            whole = ParameterSlices.slice(version, name, shape, 0, rows, ByteBuffer.wrap(data));
        }
        return whole;
    }

    private static void copyFloat32(ParameterSlice slice, ByteBuffer target) {
        ByteBuffer from = slice.getData().duplicate().order(ByteOrder.LITTLE_ENDIAN);
        switch (slice.getDtype()) {
            case F32 -> target.put(from);
            case BF16 -> {
                while (from.hasRemaining()) {
                    target.putInt(from.getShort() << 16); // the upper half of a float32
                }
            }
            case F16 -> {
                while (from.hasRemaining()) {
                    target.putFloat(float16(from.getShort()));
                }
            }
        }
    }

    /** IEEE 754 binary16: a sign, 5 bits of exponent with bias 15, 10 bits of fraction. */
    private static float float16(short bits) {
        int exponent = bits >> 10 & 0x1f;
        int fraction = bits & 0x3ff;
        float magnitude = exponent == 0
                ? fraction * 0x1p-24f
                : exponent == 0x1f
                        ? fraction == 0 ? Float.POSITIVE_INFINITY : Float.NaN
                        : Math.scalb(1 + fraction * 0x1p-10f, exponent - 15);
        return bits < 0 ? -magnitude : magnitude;
    }

    private static int bytes(String name, long[] shape) throws VersionException {
        try {
            return Math.toIntExact(Math.multiplyExact(ParameterSlices.rows(shape), ParameterSlices.bytesPerRow(shape)));
        } catch (ArithmeticException e) {
            throw new VersionException(
                    "tensor " + name + " has the shape " + Arrays.toString(shape) + ", expected at most 2 GiB", e);
        }
    }
}
