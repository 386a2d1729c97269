package io.finestream.weights;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;

/** Rounds a stream of float32 to numbers of 16 bits, to the nearest and in a tie to the even one. */
final class Narrowing implements WritableByteChannel {

    private static final int INFINITE = 0x7f80_0000;
    private static final int FLOAT16_INFINITE = 0x4780_0000; // 2^16
    private static final int FLOAT16_NORMAL = 0x3880_0000; // 2^-14, the smallest
    private static final float FLOAT16_UNITS = 0x1p24f; // subnormal numbers in 1
    private static final int FLOAT16_BIAS = (127 - 15) << 23;

    private final TensorType type;
    private final WritableByteChannel out;
    private final ByteBuffer floats = ByteBuffer.allocate(TensorSource.PIECE).order(ByteOrder.LITTLE_ENDIAN);
    private final ByteBuffer halves =
            ByteBuffer.allocate(TensorSource.PIECE / 2).order(ByteOrder.LITTLE_ENDIAN);

    /**
     * @param type F16 or BF16
     * @param out stays open
     */
    Narrowing(TensorType type, WritableByteChannel out) {
        this.type = type;
        this.out = out;
    }

    static short bfloat16(float value) {
        int bits = Float.floatToRawIntBits(value);
        if ((bits & 0x7fff_ffff) > INFINITE) {
            return (short) (bits >>> 16 | 0x40); // a NaN, even if the bits that go were all it had
        }
        return (short) ((bits + 0x7fff + (bits >>> 16 & 1)) >>> 16);
    }

    static short float16(float value) {
        int bits = Float.floatToRawIntBits(value);
        int sign = bits >>> 16 & 0x8000;
        int magnitude = bits & 0x7fff_ffff;
        if (magnitude > INFINITE) {
            return (short) (sign | 0x7e00 | (magnitude >>> 13 & 0x3ff));
        }
        if (magnitude >= FLOAT16_INFINITE) {
            return (short) (sign | 0x7c00);
        }
        if (magnitude < FLOAT16_NORMAL) {
            return (short) (sign | (int) Math.rint(Math.abs(value) * FLOAT16_UNITS)); // the product is exact
        }
        int rounded = magnitude + 0xfff + (magnitude >>> 13 & 1);
        return (short) (sign | (rounded - FLOAT16_BIAS) >>> 13);
    }

    @Override
    public int write(ByteBuffer from) throws IOException {
        int size = from.remaining();
        while (from.hasRemaining()) {
            int count = Math.min(from.remaining(), floats.remaining());
            floats.put(from.slice(from.position(), count));
            from.position(from.position() + count);
            if (!floats.hasRemaining()) {
                round();
            }
        }
        return size;
    }

    private void round() throws IOException {
        floats.flip();
        boolean brain = type == TensorType.BF16;
        while (floats.remaining() >= Float.BYTES) {
            float value = floats.getFloat();
            halves.putShort(brain ? bfloat16(value) : float16(value));
        }
        floats.compact();
        halves.flip();
        while (halves.hasRemaining()) {
            out.write(halves);
        }
        halves.clear();
    }

    @Override
    public boolean isOpen() {
        return out.isOpen();
    }

    /** Writes what is left. */
    @Override
    public void close() throws IOException {
        round();
    }
}
