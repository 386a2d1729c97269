package io.finestream.weights;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;

/**
 * A tensor to be written. Its bytes are made when its turn comes and kept by nobody, so that a file of any size is written
 * in the memory of one tensor, or of one piece of it.
 *
 * @param type F32, F16, BF16 or I64
 * @param content may be asked for more than once, as by two parts of a checkpoint
 */
public record TensorSource(String name, TensorType type, Shape shape, Content content) {

    /** A tensor's numbers row by row, little-endian. */
    @FunctionalInterface
    public interface Content {
        /** @param out takes all that a buffer has at every call, and no more bytes than the tensor has */
        void writeTo(WritableByteChannel out) throws IOException;
    }

    /** Makes a tensor. */
    @FunctionalInterface
    public interface Loader {
        /** @param owner is closed when the tensor has been written */
        NDArray load(NDManager owner) throws IOException;
    }

    /** Bytes that are in memory at once. */
    static final int PIECE = 1 << 20;

    /** @throws IllegalArgumentException if the type is none of the four, or the shape is one that no tensor has */
    public TensorSource {
        if (type.carrier() == null) {
            throw new IllegalArgumentException(
                    "cannot write tensor '" + name + "' of type " + type + ", expected F32, F16, BF16 or I64");
        }
        if (type.bytes(shape.getShape()) < 0) {
            throw new IllegalArgumentException("tensor '" + name + "' has the impossible shape " + shape);
        }
    }

    /**
     * A tensor in its own type.
     *
     * @param array stays the caller's, and open until it is written
     * @throws IllegalArgumentException if it has another type than float32, float16 and int64: the engine does not give away the bytes
     *     of bfloat16, {@link #as} makes them of float32
     */
    public static TensorSource of(String name, NDArray array) {
        return new TensorSource(name, typeOf(array), array.getShape(), out -> write(array, out));
    }

    /**
     * A tensor that is made when its turn comes and closed afterwards.
     *
     * @param type of the file; the tensor has it, or is float32 and is rounded to it
     * @param owner of the managers that the loader gets, one for each call
     * @param loader is refused, when the tensor is written, for another shape
     */
    public static TensorSource of(String name, TensorType type, Shape shape, NDManager owner, Loader loader) {
        return new TensorSource(name, type, shape, out -> {
            try (NDManager m = owner.newSubManager()) {
                NDArray array = loader.load(m);
                if (!array.getShape().equals(shape)) {
                    throw new IllegalStateException(
                            "tensor '" + name + "' was made as " + array.getShape() + ", expected " + shape);
                }
                of(name, array).as(type).writeTo(out);
            }
        });
    }

    /** A tensor of a file in its own type, copied without the engine. */
    static TensorSource of(StoredTensor stored) {
        return new TensorSource(stored.name(), stored.type(), stored.shape(), stored::writeTo);
    }

    public TensorSource named(String other) {
        return new TensorSource(other, type, shape, content);
    }

    /** The same tensor; {@code written} is run whenever all of it has been. */
    TensorSource then(Runnable written) {
        return new TensorSource(name, type, shape, out -> {
            content.writeTo(out);
            written.run();
        });
    }

    /**
     * The same numbers in another type, to the nearest and in a tie to the even one. A NaN stays a NaN; what is beyond the
     * largest number becomes infinite.
     *
     * @param other this type, or F16 or BF16 for a tensor of F32
     * @throws IllegalArgumentException for another conversion
     */
    public TensorSource as(TensorType other) {
        if (other == type) {
            return this;
        }
        if (type != TensorType.F32 || (other != TensorType.F16 && other != TensorType.BF16)) {
            throw new IllegalArgumentException("cannot write tensor '" + name + "' of type " + type + " as " + other
                    + ", only F32 is converted, to F16 or BF16");
        }
        return new TensorSource(name, other, shape, out -> {
            try (Narrowing narrow = new Narrowing(other, out)) {
                writeTo(narrow);
            }
        });
    }

    public long bytes() {
        return type.bytes(shape.getShape());
    }

    /** @throws IllegalStateException if the content has another number of bytes than the shape needs */
    void writeTo(WritableByteChannel out) throws IOException {
        Exactly exactly = new Exactly(out);
        content.writeTo(exactly);
        if (exactly.written != bytes()) {
            throw exactly.wrong(exactly.written);
        }
    }

    private static TensorType typeOf(NDArray array) {
        return switch (array.getDataType()) {
            case FLOAT32 -> TensorType.F32;
            case FLOAT16 -> TensorType.F16;
            case INT64 -> TensorType.I64;
            default ->
                throw new IllegalArgumentException(
                        "cannot write " + array.getDataType() + ", expected float32, float16 or int64");
        };
    }

    /** Writes the engine's own memory, where the tensor lies in it row by row. */
    private static void write(NDArray array, WritableByteChannel out) throws IOException {
        try (NDManager m = array.getManager().newSubManager()) {
            NDArray flat = array.reshape(-1);
            flat.attach(m);
            if (array.getDevice().isGpu()) {
                flat = flat.toDevice(Device.cpu(), false);
                flat.attach(m);
            }
            long size = PIECE / typeOf(array).width();
            for (long from = 0; from < array.size(); from += size) {
                try (NDArray piece = flat.get(new NDIndex(from + ":" + Math.min(from + size, array.size())))) {
                    out.write(piece.toByteBuffer(true));
                }
            }
        }
    }

    /** Writes all of every buffer, and counts. */
    private final class Exactly implements WritableByteChannel {

        private final WritableByteChannel out;
        private long written;

        Exactly(WritableByteChannel out) {
            this.out = out;
        }

        @Override
        public int write(ByteBuffer from) throws IOException {
            int size = from.remaining();
            if (size > bytes() - written) {
                throw wrong(written + size);
            }
            while (from.hasRemaining()) {
                out.write(from);
            }
            written += size;
            return size;
        }

        private IllegalStateException wrong(long given) {
            return new IllegalStateException("tensor '" + name + "' of shape " + shape + ", " + type + ", was given "
                    + given + " bytes, expected " + bytes());
        }

        @Override
        public boolean isOpen() {
            return out.isOpen();
        }

        @Override
        public void close() {
            // what it writes to belongs to the caller
        }
    }
}
