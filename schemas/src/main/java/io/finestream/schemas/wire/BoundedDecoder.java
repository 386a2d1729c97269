package io.finestream.schemas.wire;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import org.apache.avro.io.Decoder;
import org.apache.avro.util.Utf8;
import org.jspecify.annotations.Nullable;

/**
 * Reads Avro's binary encoding out of a byte array and believes no length that the array cannot hold. Avro's own decoder
 * allocates first, so that a poison message of ten bytes can ask for two gigabytes and take the process down.
 *
 * @see <a href="https://avro.apache.org/docs/1.12.0/specification/#binary-encoding">The specification</a>
 */
final class BoundedDecoder extends Decoder {
    private ByteBuffer in = ByteBuffer.allocate(0);

    void reset(byte[] bytes, int from) {
        in = ByteBuffer.wrap(bytes).position(from).order(ByteOrder.LITTLE_ENDIAN);
    }

    int position() {
        return in.position();
    }

    int remaining() {
        return in.remaining();
    }

    @Override
    public void readNull() {}

    @Override
    public boolean readBoolean() throws IOException {
        byte value = need(1).get();
        if (value != 0 && value != 1) {
            throw new IOException("a boolean of value " + value + ", expected 0 or 1");
        }
        return value == 1;
    }

    @Override
    public int readInt() throws IOException {
        long value = readLong();
        if (value != (int) value) {
            throw new IOException("an int of value " + value + ", expected at most 32 bits");
        }
        return (int) value;
    }

    @Override
    public long readLong() throws IOException {
        long zigzag = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            byte next = need(1).get();
            zigzag |= (next & 0x7FL) << shift;
            if (next >= 0) {
                return (zigzag >>> 1) ^ -(zigzag & 1);
            }
        }
        throw new IOException("a number of more than 10 bytes");
    }

    @Override
    public float readFloat() throws IOException {
        return need(4).getFloat();
    }

    @Override
    public double readDouble() throws IOException {
        return need(8).getDouble();
    }

    @Override
    public Utf8 readString(@Nullable Utf8 old) throws IOException {
        return new Utf8(take(readLong()));
    }

    @Override
    public String readString() throws IOException {
        return new String(take(readLong()), StandardCharsets.UTF_8);
    }

    @Override
    public void skipString() throws IOException {
        skip(readLong());
    }

    @Override
    public ByteBuffer readBytes(@Nullable ByteBuffer old) throws IOException {
        return ByteBuffer.wrap(take(readLong()));
    }

    @Override
    public void skipBytes() throws IOException {
        skip(readLong());
    }

    @Override
    public void readFixed(byte[] bytes, int start, int length) throws IOException {
        need(length).get(bytes, start, length);
    }

    @Override
    public void skipFixed(int length) throws IOException {
        skip(length);
    }

    @Override
    public int readEnum() throws IOException {
        return readInt();
    }

    @Override
    public int readIndex() throws IOException {
        return readInt();
    }

    @Override
    public long readArrayStart() throws IOException {
        return readBlockCount();
    }

    @Override
    public long arrayNext() throws IOException {
        return readBlockCount();
    }

    @Override
    public long skipArray() throws IOException {
        return readBlockCount();
    }

    @Override
    public long readMapStart() throws IOException {
        return readBlockCount();
    }

    @Override
    public long mapNext() throws IOException {
        return readBlockCount();
    }

    @Override
    public long skipMap() throws IOException {
        return readBlockCount();
    }

    /** Items in the next block; a negative count is followed by the block's size in bytes, which is not needed. */
    private long readBlockCount() throws IOException {
        long count = readLong();
        if (count < 0) {
            count = -count;
            readLong();
        }
        need(count); // an item has at least one byte
        return count;
    }

    private byte[] take(long length) throws IOException {
        need(length);
        byte[] bytes = new byte[(int) length];
        in.get(bytes);
        return bytes;
    }

    private void skip(long length) throws IOException {
        need(length).position(in.position() + (int) length);
    }

    private ByteBuffer need(long length) throws IOException {
        if (length < 0) {
            throw new IOException("a length of " + length);
        }
        if (length > in.remaining()) {
            throw new EOFException("%d more bytes expected, %d left".formatted(length, in.remaining()));
        }
        return in;
    }
}
