package io.finestream.weights;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * Writes the pickles of state dictionaries, in protocol 2: dictionaries of tensors, each with a storage of its own, named
 * by a number. {@link Unpickler} reads them, and so does torch.load, with {@code weights_only} too.
 */
final class Pickler {

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private int storages;

    Pickler() {
        op(0x80, 2); // PROTO
    }

    /** Begins a dictionary; {@link #key} and its value follow, as often as needed. */
    Pickler dictionary() {
        return op('}', '('); // EMPTY_DICT, MARK
    }

    /** As {@link #dictionary}, for tensors. */
    Pickler stateDictionary() {
        return orderedDictionary().op('('); // MARK
    }

    Pickler key(String key) {
        return text(key);
    }

    /** A tensor, row by row in the next storage. */
    Pickler tensor(TensorType type, long[] shape) {
        long[] strides = new long[shape.length];
        long stride = 1;
        for (int i = shape.length - 1; i >= 0; i--) {
            strides[i] = stride;
            stride *= Math.max(shape[i], 1);
        }
        global("torch._utils", "_rebuild_tensor_v2").op('(');
        op('(').text("storage").global("torch", storage(type)).text(Integer.toString(storages++));
        text("cpu").number(type.bytes(shape) / type.width()).op('t', 'Q'); // TUPLE, BINPERSID
        number(0).numbers(shape).numbers(strides);
        op(0x89).orderedDictionary(); // NEWFALSE: needs no gradient; no hooks
        return op('t', 'R'); // TUPLE, REDUCE
    }

    Pickler end() {
        return op('u'); // SETITEMS
    }

    byte[] bytes() {
        op('.'); // STOP
        return out.toByteArray();
    }

    private static String storage(TensorType type) {
        return switch (type) {
            case F32 -> "FloatStorage";
            case F16 -> "HalfStorage";
            case BF16 -> "BFloat16Storage";
            case I64 -> "LongStorage";
            default -> throw new IllegalArgumentException("cannot write " + type + ", expected F32, F16, BF16 or I64");
        };
    }

    private Pickler orderedDictionary() {
        return global("collections", "OrderedDict").op(')', 'R'); // EMPTY_TUPLE, REDUCE
    }

    private Pickler numbers(long[] values) {
        op('('); // MARK
        for (long value : values) {
            number(value);
        }
        return op('t'); // TUPLE
    }

    private Pickler number(long value) {
        if (value == (int) value) {
            return op('J').raw(little(Integer.BYTES).putInt((int) value)); // BININT
        }
        return op(0x8a, Long.BYTES).raw(little(Long.BYTES).putLong(value)); // LONG1
    }

    private Pickler text(String value) {
        byte[] utf8 = value.getBytes(StandardCharsets.UTF_8);
        return op('X').raw(little(Integer.BYTES).putInt(utf8.length)).raw(ByteBuffer.wrap(utf8)); // BINUNICODE
    }

    private Pickler global(String module, String name) {
        return raw(ByteBuffer.wrap(("c" + module + "\n" + name + "\n").getBytes(StandardCharsets.US_ASCII))); // GLOBAL
    }

    private Pickler op(int... bytes) {
        for (int b : bytes) {
            out.write(b);
        }
        return this;
    }

    private Pickler raw(ByteBuffer bytes) {
        out.writeBytes(bytes.array());
        return this;
    }

    private static ByteBuffer little(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}
