package io.finestream.weights;

import ai.djl.ndarray.types.DataType;
import org.jspecify.annotations.Nullable;

/** The number types of tensors in files, by their safetensors names. */
public enum TensorType {
    F32(4, DataType.FLOAT32),
    F16(2, DataType.FLOAT16),
    BF16(2, DataType.FLOAT16), // the engine takes its bits as float16
    I64(8, DataType.INT64),
    F64(8, null),
    I32(4, null),
    I16(2, null),
    I8(1, null),
    U8(1, null),
    BOOL(1, null);

    private static final int MAX_DIMENSIONS = 16;

    private final int width;
    private final @Nullable DataType carrier;

    TensorType(int width, @Nullable DataType carrier) {
        this.width = width;
        this.carrier = carrier;
    }

    /** Bytes of one number. */
    int width() {
        return width;
    }

    /** What the engine takes the bytes as; null for a type that is listed, but not read. */
    @Nullable
    DataType carrier() {
        return carrier;
    }

    static @Nullable TensorType named(String name) {
        for (TensorType type : values()) {
            if (type.name().equals(name)) {
                return type;
            }
        }
        return null;
    }

    /** Bytes of a tensor, or -1 for a shape that none can have. */
    long bytes(long[] shape) {
        if (shape.length > MAX_DIMENSIONS) {
            return -1;
        }
        long bytes = width;
        boolean empty = false;
        for (long side : shape) {
            if (side < 0 || (side > 0 && bytes > Long.MAX_VALUE / side)) {
                return -1;
            }
            empty |= side == 0;
            bytes *= Math.max(side, 1);
        }
        return empty ? 0 : bytes;
    }
}
