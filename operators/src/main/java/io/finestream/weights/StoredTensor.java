package io.finestream.weights;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.finestream.torch.TorchOps;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A tensor's place in a file: its numbers lie together, row by row, little-endian.
 *
 * @param position of its first byte
 */
record StoredTensor(Path file, String name, TensorType type, Shape shape, long position) {

    private static final int COMPARED_AT_ONCE = 1 << 20;
    private static final long PIECE = 1L << 30; // a buffer has less than 2 GiB

    long bytes() {
        return type.bytes(shape.getShape());
    }

    /** The tensor in its own type: the file's pages where the engine can use them, otherwise a copy. */
    NDArray map(TorchOps ops, NDManager owner) throws IOException {
        DataType carrier = requireReadable();
        NDArray bits = map(owner, carrier); // it keeps the pages: the owner has it until the end
        return type == TensorType.BF16 ? ops.float16AsBfloat16(owner, bits) : bits;
    }

    private NDArray map(NDManager owner, DataType carrier) throws IOException {
        boolean aligned = position % type.width() == 0;
        if (owner.getDevice().isGpu() || !aligned || bytes() == 0 || bytes() > Integer.MAX_VALUE) {
            return copy(owner, carrier);
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            ByteBuffer pages = channel.map(FileChannel.MapMode.READ_ONLY, position, bytes());
            return owner.create(pages.order(ByteOrder.LITTLE_ENDIAN), shape, carrier);
        }
    }

    /** Some of its rows. */
    StoredTensor rows(long from, long to) {
        long[] sides = shape.getShape().clone();
        long rowBytes = sides[0] == 0 ? 0 : bytes() / sides[0];
        sides[0] = to - from;
        return new StoredTensor(file, name, type, new Shape(sides), position + from * rowBytes);
    }

    /** Whether another holds the same numbers, bit for bit. */
    boolean hasSameBytes(StoredTensor other) throws IOException {
        if (type != other.type || !shape.equals(other.shape)) {
            return false;
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
                FileChannel others = FileChannel.open(other.file, StandardOpenOption.READ)) {
            ByteBuffer mine = ByteBuffer.allocate(COMPARED_AT_ONCE); // a direct one would wait for the collector
            ByteBuffer theirs = ByteBuffer.allocate(COMPARED_AT_ONCE);
            for (long at = 0; at < bytes(); at += COMPARED_AT_ONCE) {
                int size = (int) Math.min(COMPARED_AT_ONCE, bytes() - at);
                readFully(channel, mine.clear().limit(size), position + at);
                other.readFully(others, theirs.clear().limit(size), other.position + at);
                if (!mine.flip().equals(theirs.flip())) {
                    return false;
                }
            }
            return true;
        }
    }

    /** Its bytes as they are. */
    void writeTo(WritableByteChannel out) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            ByteBuffer piece = ByteBuffer.allocate(TensorSource.PIECE);
            for (long at = 0; at < bytes(); at += piece.capacity()) {
                readFully(channel, piece.clear().limit((int) Math.min(piece.capacity(), bytes() - at)), position + at);
                out.write(piece.flip());
            }
        }
    }

    /** The tensor as float32. Where it has another type, nothing but the result stays in memory. */
    NDArray readFloat32(TorchOps ops, NDManager owner) throws IOException {
        if (type == TensorType.F32) {
            return map(ops, owner);
        }
        DataType carrier = requireReadable();
        try (NDManager m = owner.newSubManager()) {
            NDArray bits = copy(m, carrier);
            NDArray numbers = type == TensorType.BF16 ? ops.float16AsBfloat16(m, bits) : bits;
            return ops.withAutograd().toFloat32(owner, numbers); // gradients can not pass what was made for inference
        }
    }

    /**
     * Rounds its numbers into a tensor of bfloat16.
     *
     * @param target whose numbers from {@code start} on are set
     * @param scratch float32 [N] on the CPU, for what is read before it is rounded: no other memory is taken for a tensor
     *     of float32, so that the engine's does not fall into holes
     */
    void roundInto(TorchOps ops, NDArray target, long start, NDArray scratch) throws IOException {
        DataType carrier = requireReadable();
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
                NDManager m = scratch.getManager().newSubManager()) {
            NDArray piece = type == TensorType.F32 ? scratch : m.create(scratch.getShape(), carrier);
            ByteBuffer bytes = piece.toByteBuffer(true); // the same memory
            for (long from = 0; from < shape.size(); from += piece.size()) {
                long count = Math.min(piece.size(), shape.size() - from);
                readFully(channel, bytes.clear().limit((int) count * type.width()), position + from * type.width());
                NDArray numbers = piece;
                if (count < piece.size()) {
                    numbers = piece.get(new NDIndex("0:" + count));
                    numbers.attach(m);
                }
                ops.roundInto(
                        target, start + from, type == TensorType.BF16 ? ops.float16AsBfloat16(m, numbers) : numbers);
            }
        }
    }

    /** Reads into the engine's memory, which a closed tensor gives back; a buffer's would wait for the collector. */
    private NDArray copy(NDManager owner, DataType carrier) throws IOException {
        if (owner.getDevice().isGpu()) {
            try (NDManager cpu = owner.newSubManager(Device.cpu())) {
                NDArray moved = copy(cpu, carrier).toDevice(owner.getDevice(), false);
                moved.attach(owner);
                return moved;
            }
        }
        NDArray tensor = owner.create(shape, carrier);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
                NDManager m = owner.newSubManager()) {
            NDArray flat = tensor.reshape(-1);
            flat.attach(m);
            long size = PIECE / type.width();
            for (long from = 0; from < shape.size(); from += size) {
                long to = Math.min(from + size, shape.size());
                NDArray piece = flat.get(new NDIndex(from + ":" + to)); // the same memory
                piece.attach(m);
                readFully(channel, piece.toByteBuffer(true), position + from * type.width());
            }
            return tensor;
        } catch (IOException | RuntimeException e) {
            tensor.close();
            throw e;
        }
    }

    private void readFully(FileChannel channel, ByteBuffer into, long from) throws IOException {
        while (into.hasRemaining()) {
            if (channel.read(into, from + into.position()) < 0) {
                throw new WeightsException(file + " was cut short while tensor '" + name + "' was read from it");
            }
        }
    }

    private DataType requireReadable() throws WeightsException {
        DataType carrier = type.carrier();
        if (carrier == null) {
            throw new WeightsException(file + ": tensor '" + name + "' has type " + type
                    + ", expected F32, F16, BF16 or I64; convert it and save it again");
        }
        return carrier;
    }
}
