package io.finestream.weights;

import java.math.BigInteger;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Reads the pickles of state dictionaries, and no others: a stack machine with those operations of protocols 2 to 5 and
 * those names that torch.save uses for dictionaries, lists, numbers, strings and tensors. Everything else is refused, and
 * a name is never looked up anywhere but in {@link Name}. What a pickle can make is no larger than a constant for each of
 * its bytes, and values are neither compared, hashed nor printed, since they can be nested without limit.
 *
 * <p>Operations as in CPython's {@code pickletools.py}.
 */
final class Unpickler {

    /** @param elements that the storage has */
    record Storage(TensorType type, String key, long elements) {}

    /** @param offset of its first number in the storage */
    record Tensor(Storage storage, long offset, long[] shape, long[] strides) {}

    private record Tuple(List<Object> items) {}

    /** Python's None, and what a state dictionary brings along that is not read. */
    private enum Ignored {
        NONE,
        NAMESPACE
    }

    /** Every name that a pickle may have. */
    private enum Name {
        ORDERED_DICT("collections.OrderedDict"),
        NAMESPACE("argparse.Namespace"),
        SIZE("torch.Size"),
        REBUILD_TENSOR("torch._utils._rebuild_tensor_v2"),
        REBUILD_PARAMETER("torch._utils._rebuild_parameter"),
        FLOAT("torch.FloatStorage", TensorType.F32),
        HALF("torch.HalfStorage", TensorType.F16),
        BFLOAT16("torch.BFloat16Storage", TensorType.BF16),
        LONG("torch.LongStorage", TensorType.I64),
        DOUBLE("torch.DoubleStorage", TensorType.F64),
        INT("torch.IntStorage", TensorType.I32),
        SHORT("torch.ShortStorage", TensorType.I16),
        CHAR("torch.CharStorage", TensorType.I8),
        BYTE("torch.ByteStorage", TensorType.U8),
        BOOL("torch.BoolStorage", TensorType.BOOL),
        UNTYPED("torch.storage.UntypedStorage", TensorType.U8);

        private static final Map<String, Name> ALL = new HashMap<>();

        static {
            for (Name name : values()) {
                ALL.put(name.qualified, name);
            }
        }

        private final String qualified;
        private final @Nullable TensorType storage;

        Name(String qualified) {
            this(qualified, null);
        }

        Name(String qualified, @Nullable TensorType storage) {
            this.qualified = qualified;
            this.storage = storage;
        }
    }

    private static final int MAX_OPERATIONS = 2_000_000; // thirty for a tensor
    private static final int HIGHEST_PROTOCOL = 5;
    private static final int SHOWN = 200;

    private final String what;
    private final ByteBuffer pickle;
    private final Map<Long, Object> memo = new HashMap<>();
    private final Deque<List<Object>> marked = new ArrayDeque<>(); // the stacks below the marks
    private List<Object> stack = new ArrayList<>();

    /** @param what the pickle, as in a message */
    Unpickler(String what, byte[] pickle) {
        this.what = what;
        this.pickle = ByteBuffer.wrap(pickle).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** @return a map, list, string, number, {@link Tensor} or something that nobody needs */
    Object load() throws WeightsException {
        try {
            for (int i = 0; i < MAX_OPERATIONS; i++) {
                int operation = unsignedByte();
                if (operation == '.') {
                    return pop();
                }
                apply(operation);
            }
        } catch (BufferUnderflowException e) {
            throw refused("it ends in the middle");
        }
        throw refused("it has more than " + MAX_OPERATIONS + " operations");
    }

    private void apply(int operation) throws WeightsException {
        switch (operation) {
            case 0x80 -> requireProtocol(unsignedByte()); // PROTO
            case 0x95 -> pickle.getLong(); // FRAME
            case '(' -> mark();
            case 'N' -> stack.add(Ignored.NONE);
            case 0x88 -> stack.add(true); // NEWTRUE
            case 0x89 -> stack.add(false); // NEWFALSE
            case 'K' -> stack.add((long) unsignedByte()); // BININT1
            case 'M' -> stack.add((long) (pickle.getShort() & 0xffff)); // BININT2
            case 'J' -> stack.add((long) pickle.getInt()); // BININT
            case 0x8a -> stack.add(longNumber(unsignedByte())); // LONG1
            case 'G' -> stack.add(Double.longBitsToDouble(Long.reverseBytes(pickle.getLong()))); // BINFLOAT
            case 'X' -> stack.add(text(Integer.toUnsignedLong(pickle.getInt()))); // BINUNICODE
            case 0x8c -> stack.add(text(unsignedByte())); // SHORT_BINUNICODE
            case ')' -> stack.add(new Tuple(List.of())); // EMPTY_TUPLE
            case 0x85 -> stack.add(new Tuple(popLast(1))); // TUPLE1
            case 0x86 -> stack.add(new Tuple(popLast(2))); // TUPLE2
            case 0x87 -> stack.add(new Tuple(popLast(3))); // TUPLE3
            case 't' -> { // TUPLE
                List<Object> items = popToMark();
                stack.add(new Tuple(items));
            }
            case ']' -> stack.add(new ArrayList<>()); // EMPTY_LIST
            case 'a' -> append(popLast(1)); // APPEND
            case 'e' -> append(popToMark()); // APPENDS
            case '}' -> stack.add(new LinkedHashMap<>()); // EMPTY_DICT
            case 's' -> putAll(popLast(2)); // SETITEM
            case 'u' -> putAll(popToMark()); // SETITEMS
            case 'q' -> memo.put((long) unsignedByte(), top()); // BINPUT
            case 'r' -> memo.put(Integer.toUnsignedLong(pickle.getInt()), top()); // LONG_BINPUT
            case 0x94 -> memo.put((long) memo.size(), top()); // MEMOIZE
            case 'h' -> stack.add(remembered(unsignedByte())); // BINGET
            case 'j' -> stack.add(remembered(Integer.toUnsignedLong(pickle.getInt()))); // LONG_BINGET
            case 'c' -> stack.add(name(line(), line())); // GLOBAL
            case 0x93 -> { // STACK_GLOBAL
                List<Object> parts = popLast(2);
                stack.add(name(string(parts.get(0)), string(parts.get(1))));
            }
            case 'R', 0x81 -> { // REDUCE, NEWOBJ
                List<Object> call = popLast(2);
                stack.add(call(call.get(0), tuple(call.get(1))));
            }
            case 'b' -> build(pop()); // BUILD
            case 'Q' -> stack.add(storage(tuple(pop()))); // BINPERSID
            case 'i' -> throw unneeded("INST of " + name(line(), line()).qualified);
            case 0x82, 0x83, 0x84 -> throw unneeded("a name by its number in an extension registry");
            default -> throw unneeded(String.format("the operation 0x%02x", operation));
        }
    }

    private void requireProtocol(int protocol) throws WeightsException {
        if (protocol > HIGHEST_PROTOCOL) {
            throw refused("it has protocol " + protocol + ", expected at most " + HIGHEST_PROTOCOL);
        }
    }

    private void mark() {
        marked.push(stack);
        stack = new ArrayList<>();
    }

    private List<Object> popToMark() throws WeightsException {
        if (marked.isEmpty()) {
            throw refused("it goes back to a mark that is not there");
        }
        List<Object> items = stack;
        stack = marked.pop();
        return items;
    }

    private List<Object> popLast(int count) throws WeightsException {
        if (stack.size() < count) {
            throw refused("it takes " + count + " values where there are " + stack.size());
        }
        List<Object> last = stack.subList(stack.size() - count, stack.size());
        List<Object> items = new ArrayList<>(last);
        last.clear();
        return items;
    }

    private Object pop() throws WeightsException {
        return popLast(1).get(0);
    }

    private Object top() throws WeightsException {
        if (stack.isEmpty()) {
            throw refused("it looks at a value where there is none");
        }
        return stack.get(stack.size() - 1);
    }

    private Object remembered(long number) throws WeightsException {
        Object value = memo.get(number);
        if (value == null) {
            throw refused("it goes back to value " + number + ", which it does not have");
        }
        return value;
    }

    @SuppressWarnings("unchecked")
    private void append(List<Object> items) throws WeightsException {
        if (!(top() instanceof ArrayList<?> list)) {
            throw refused("it appends to " + kind(top()));
        }
        ((List<Object>) list).addAll(items);
    }

    @SuppressWarnings("unchecked")
    private void putAll(List<Object> keysAndValues) throws WeightsException {
        if (!(top() instanceof Map<?, ?> map) || keysAndValues.size() % 2 != 0) {
            throw refused("it puts " + keysAndValues.size() + " keys and values into " + kind(top()));
        }
        for (int i = 0; i < keysAndValues.size(); i += 2) {
            Object key = keysAndValues.get(i);
            if (!(key instanceof String || key instanceof Number || key instanceof Boolean || key instanceof Ignored)) {
                throw refused("a key of a dictionary is " + kind(key) + ", expected a string or a number");
            }
            ((Map<Object, Object>) map).put(key, keysAndValues.get(i + 1));
        }
    }

    private Name name(String module, String attribute) throws WeightsException {
        String qualified = module + "." + attribute;
        Name name = Name.ALL.get(qualified);
        if (name == null) {
            throw new WeightsException(what + " names '" + shortened(qualified)
                    + "', which no state dictionary needs and which could run a program; nothing was run. If you trust"
                    + " the file, load it in Python and save the state_dict() of the network alone");
        }
        return name;
    }

    private Object call(Object function, List<Object> arguments) throws WeightsException {
        if (function == Name.ORDERED_DICT && arguments.isEmpty()) {
            return new LinkedHashMap<>();
        }
        if (function == Name.NAMESPACE && arguments.isEmpty()) {
            return Ignored.NAMESPACE;
        }
        if (function == Name.SIZE) {
            return new Tuple(tuple(argument(arguments, 0)));
        }
        if (function == Name.REBUILD_TENSOR) {
            return tensor(arguments);
        }
        if (function == Name.REBUILD_PARAMETER && argument(arguments, 0) instanceof Tensor tensor) {
            return tensor;
        }
        throw refused("it calls " + kind(function) + " with " + arguments.size() + " values");
    }

    /** The state of what was made last: settings, or notes on a state dictionary's versions. Nobody reads them. */
    private void build(Object state) throws WeightsException {
        if (!(state instanceof Map) || !(top() instanceof Map || top() == Ignored.NAMESPACE)) {
            throw refused("it sets the state of " + kind(top()) + " to " + kind(state));
        }
    }

    /** {@code ("storage", type, key, device, elements)}; the device does not matter. */
    private Storage storage(List<Object> id) throws WeightsException {
        TensorType type = argument(id, 1) instanceof Name name ? name.storage : null;
        if (type == null || !"storage".equals(argument(id, 0))) {
            throw refused("it refers to something that is not a storage");
        }
        return new Storage(type, string(argument(id, 2)), whole(argument(id, 4)));
    }

    /** {@code (storage, offset, shape, strides, requires_grad, hooks)}. */
    private Tensor tensor(List<Object> arguments) throws WeightsException {
        if (!(argument(arguments, 0) instanceof Storage storage)) {
            throw refused("it makes a tensor of " + kind(argument(arguments, 0)));
        }
        long[] shape = wholes(argument(arguments, 2));
        long[] strides = wholes(argument(arguments, 3));
        if (shape.length != strides.length) {
            throw refused("a tensor has " + shape.length + " sides and " + strides.length + " strides");
        }
        return new Tensor(storage, whole(argument(arguments, 1)), shape, strides);
    }

    private Object argument(List<Object> arguments, int index) throws WeightsException {
        if (index >= arguments.size()) {
            throw refused("it has " + arguments.size() + " values where more are needed");
        }
        return arguments.get(index);
    }

    private List<Object> tuple(Object value) throws WeightsException {
        if (value instanceof Tuple tuple) {
            return tuple.items();
        }
        throw refused("it has " + kind(value) + ", expected a tuple");
    }

    private String string(Object value) throws WeightsException {
        if (value instanceof String string) {
            return string;
        }
        throw refused("it has " + kind(value) + ", expected a string");
    }

    private long whole(Object value) throws WeightsException {
        if (value instanceof Long number && number >= 0) {
            return number;
        }
        throw refused("it has " + kind(value) + ", expected a whole number that is not negative");
    }

    private long[] wholes(Object value) throws WeightsException {
        List<Object> items = tuple(value);
        long[] numbers = new long[items.size()];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = whole(items.get(i));
        }
        return numbers;
    }

    private int unsignedByte() {
        return pickle.get() & 0xff;
    }

    private Number longNumber(int bytes) {
        if (bytes == 0) {
            return 0L;
        }
        byte[] bigEndian = new byte[bytes];
        for (int i = bytes - 1; i >= 0; i--) {
            bigEndian[i] = pickle.get();
        }
        BigInteger number = new BigInteger(bigEndian);
        return number.bitLength() < Long.SIZE ? (Number) number.longValue() : number;
    }

    private String text(long bytes) {
        if (bytes > pickle.remaining()) {
            throw new BufferUnderflowException(); // before anything is allocated
        }
        String text = new String(pickle.array(), pickle.position(), (int) bytes, StandardCharsets.UTF_8);
        pickle.position(pickle.position() + (int) bytes);
        return text;
    }

    private String line() {
        int end = pickle.position();
        while (pickle.get(checked(end)) != '\n') {
            end++;
        }
        String line = text(end - pickle.position());
        pickle.get(); // the end of the line
        return line;
    }

    private int checked(int index) {
        if (index >= pickle.limit()) {
            throw new BufferUnderflowException();
        }
        return index;
    }

    private WeightsException refused(String why) {
        return new WeightsException(
                what + " is not a whole pickle of a state dictionary: " + why + " at byte " + pickle.position());
    }

    private WeightsException unneeded(String operation) {
        return new WeightsException(what + " uses " + operation + " at byte " + pickle.position()
                + ", which no state dictionary needs; load it in Python, if you trust it, and save the state_dict() of the"
                + " network alone");
    }

    /** What a value is, as in a message. */
    static String kind(Object value) {
        if (value instanceof Long || value instanceof Double || value instanceof Boolean || value instanceof Ignored) {
            return value.toString();
        }
        if (value instanceof Name name) {
            return name.qualified;
        }
        return "a " + value.getClass().getSimpleName();
    }

    /** A text of the file as a message can show it. */
    static String shortened(String text) {
        String shown = text.codePoints()
                .limit(SHOWN)
                .map(c -> Character.isISOControl(c) ? '?' : c)
                .mapToObj(Character::toString)
                .collect(Collectors.joining());
        return shown.length() < text.length() ? shown + "…" : shown;
    }
}
