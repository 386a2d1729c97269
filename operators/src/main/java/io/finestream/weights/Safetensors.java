package io.finestream.weights;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.finestream.torch.TorchOps;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/**
 * A safetensors file, read by memory map: an 8-byte header length, a JSON header of names, types, shapes and offsets,
 * then the tensors' bytes, little-endian. Files may exceed 2 GiB; a single tensor may not.
 */
public final class Safetensors {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final long MAX_HEADER = 100_000_000;

    /** A tensor's place in the file. */
    record Entry(String dtype, Shape shape, long begin, long end) {}

    private final Path file;
    private final long dataStart;
    private final Map<String, Entry> entries;
    private final Map<String, String> metadata;

    private Safetensors(Path file, long dataStart, Map<String, Entry> entries, Map<String, String> metadata) {
        this.file = file;
        this.dataStart = dataStart;
        this.entries = entries;
        this.metadata = metadata;
    }

    /**
     * Reads the header.
     *
     * @throws WeightsException if the file is missing, is not safetensors, or is cut short
     */
    public static Safetensors open(Path file) throws IOException {
        if (Files.isDirectory(file)) {
            throw new WeightsException(file + " is a directory, expected a safetensors file; name the file in it");
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            long size = channel.size();
            if (size < 8) {
                throw broken(file, "it has " + size + " bytes");
            }
            long headerSize = read(channel, 0, 8).getLong();
            if (headerSize < 2 || headerSize > Math.min(MAX_HEADER, size - 8)) {
                throw broken(file, "its header length reads " + headerSize + " in a file of " + size + " bytes");
            }
            String header = StandardCharsets.UTF_8
                    .decode(read(channel, 8, (int) headerSize))
                    .toString();
            return parse(file, 8 + headerSize, size, JSON.readTree(header));
        } catch (NoSuchFileException e) {
            throw new WeightsException("there is no file " + file.toAbsolutePath(), e);
        } catch (JsonProcessingException e) {
            throw broken(file, "its header is not JSON (" + e.getOriginalMessage() + ")");
        }
    }

    private static Safetensors parse(Path file, long dataStart, long size, JsonNode header) throws WeightsException {
        if (!header.isObject()) {
            throw broken(file, "its header is not a JSON object");
        }
        Map<String, Entry> entries = new LinkedHashMap<>();
        Map<String, String> metadata = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> field : header.properties()) {
            if (field.getKey().equals("__metadata__")) {
                field.getValue()
                        .properties()
                        .forEach(m -> metadata.put(m.getKey(), m.getValue().asText()));
            } else {
                entries.put(field.getKey(), parseEntry(file, size - dataStart, field.getKey(), field.getValue()));
            }
        }
        requireDisjoint(file, entries);
        return new Safetensors(file, dataStart, entries, metadata);
    }

    private static Entry parseEntry(Path file, long dataSize, String name, JsonNode tensor) throws WeightsException {
        JsonNode sides = tensor.path("shape");
        long[] shape = new long[sides.size()];
        String dtype = tensor.path("dtype").asText();
        long expected = bytesPerElement(file, name, dtype);
        for (int i = 0; i < shape.length; i++) {
            shape[i] = sides.get(i).asLong(-1);
            if (shape[i] < 0 || (shape[i] > 0 && expected > Long.MAX_VALUE / shape[i])) {
                throw broken(file, "tensor '" + name + "' has the impossible shape " + sides);
            }
            expected *= shape[i];
        }
        if (!sides.isArray()) {
            throw broken(file, "tensor '" + name + "' has no shape");
        }
        long begin = tensor.path("data_offsets").path(0).asLong(-1);
        long end = tensor.path("data_offsets").path(1).asLong(-1);
        if (begin < 0 || end - begin != expected) {
            throw broken(
                    file,
                    "tensor '" + name + "' claims bytes " + begin + " to " + end + ", its shape " + sides + " of "
                            + dtype + " needs " + expected);
        }
        if (end > dataSize) {
            throw broken(
                    file,
                    "tensor '" + name + "' ends at byte " + end + " of the data, which has " + dataSize
                            + ": it is cut short");
        }
        if (expected > Integer.MAX_VALUE) {
            throw new WeightsException(file + ": tensor '" + name + "' has " + expected
                    + " bytes; one tensor may not exceed 2 GiB, split it");
        }
        return new Entry(dtype, new Shape(shape), begin, end);
    }

    private static void requireDisjoint(Path file, Map<String, Entry> entries) throws WeightsException {
        long end = 0;
        List<Entry> inOrder = entries.values().stream()
                .sorted(Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end))
                .toList();
        for (Entry entry : inOrder) {
            if (entry.begin() < end) {
                throw broken(file, "the tensors at bytes " + entry.begin() + " and before overlap");
            }
            end = entry.end();
        }
    }

    public Path file() {
        return file;
    }

    public Set<String> names() {
        return Collections.unmodifiableSet(entries.keySet());
    }

    public Map<String, String> metadata() {
        return Collections.unmodifiableMap(metadata);
    }

    /** @throws WeightsException if there is no such tensor */
    public Shape shape(String name) throws WeightsException {
        return entry(name).shape();
    }

    /**
     * Maps a tensor into memory, in its own type and read-only: writing to it in place would crash the process, so
     * trainable tensors are copied. The pages belong to the operating system until they are touched. bf16 is copied.
     *
     * @param owner receives the tensor
     */
    public NDArray map(TorchOps ops, NDManager owner, String name) throws IOException {
        Entry entry = entry(name);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            ByteBuffer bytes =
                    channel.map(FileChannel.MapMode.READ_ONLY, dataStart + entry.begin(), entry.end() - entry.begin());
            bytes.order(ByteOrder.LITTLE_ENDIAN);
            return switch (entry.dtype()) {
                case "F32" -> owner.create(bytes, entry.shape(), DataType.FLOAT32);
                case "F16" -> owner.create(bytes, entry.shape(), DataType.FLOAT16);
                case "I64" -> owner.create(bytes, entry.shape(), DataType.INT64);
                default -> {
                    try (NDArray bits = owner.create(bytes, entry.shape(), DataType.FLOAT16)) {
                        yield ops.float16AsBfloat16(owner, bits);
                    }
                }
            };
        }
    }

    /** A tensor as float32, copied out of the file if it has another type. It can be part of a network that is trained. */
    public NDArray readFloat32(TorchOps ops, NDManager owner, String name) throws IOException {
        NDArray tensor = map(ops, owner, name);
        if (entry(name).dtype().equals("F32")) {
            return tensor;
        }
        try (tensor) {
            return ops.withAutograd().toFloat32(owner, tensor); // gradients can not pass what was made for inference
        }
    }

    /**
     * Checks that the file holds the tensors of a network.
     *
     * @param expected shapes by name
     * @param mayBeMissing by name
     * @throws WeightsException that lists every missing, unexpected and misshapen tensor
     */
    void requireTensors(Map<String, Shape> expected, Predicate<String> mayBeMissing) throws WeightsException {
        List<String> problems = new ArrayList<>();
        expected.forEach((name, shape) -> {
            Entry entry = entries.get(name);
            if (entry == null) {
                if (!mayBeMissing.test(name)) {
                    problems.add("missing " + name);
                }
            } else if (!entry.shape().equals(shape)) {
                problems.add(name + " is " + entry.shape() + ", expected " + shape);
            }
        });
        Set<String> unexpected = new LinkedHashSet<>(entries.keySet());
        unexpected.removeAll(expected.keySet());
        unexpected.forEach(name -> problems.add("unexpected " + name));
        if (!problems.isEmpty()) {
            throw new WeightsException(file + " does not fit the model's configuration: " + String.join("; ", problems)
                    + "; check config.json (sizes, classes) against the file");
        }
    }

    private Entry entry(String name) throws WeightsException {
        Entry entry = entries.get(name);
        if (entry == null) {
            throw new WeightsException(file + " has no tensor '" + name + "'; it has " + entries.keySet());
        }
        return entry;
    }

    /**
     * Writes float32 and int64 tensors, replacing the file in one move.
     *
     * @param metadata for {@code __metadata__}
     */
    public static void write(Path file, Map<String, NDArray> tensors, Map<String, String> metadata) throws IOException {
        ObjectNode header = JSON.createObjectNode();
        if (!metadata.isEmpty()) {
            header.set("__metadata__", JSON.valueToTree(metadata));
        }
        long offset = 0;
        for (Map.Entry<String, NDArray> tensor : tensors.entrySet()) {
            NDArray array = tensor.getValue();
            ObjectNode entry = header.putObject(tensor.getKey());
            entry.put("dtype", dtypeOf(array));
            ArrayNode shape = entry.putArray("shape");
            for (long side : array.getShape().getShape()) {
                shape.add(side);
            }
            long size = array.size() * array.getDataType().getNumOfBytes();
            entry.putArray("data_offsets").add(offset).add(offset + size);
            offset += size;
        }
        byte[] json = JSON.writeValueAsString(header).getBytes(StandardCharsets.UTF_8);
        int padding = (8 - json.length % 8) % 8; // tensors start aligned
        ByteBuffer head = ByteBuffer.allocate(8 + json.length + padding).order(ByteOrder.LITTLE_ENDIAN);
        head.putLong(json.length + padding).put(json).put(" ".repeat(padding).getBytes(StandardCharsets.UTF_8));
        Path partial = file.resolveSibling(file.getFileName() + ".partial");
        try (FileChannel channel = FileChannel.open(
                partial, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING)) {
            writeFully(channel, head.flip());
            for (NDArray array : tensors.values()) {
                writeFully(channel, array.toByteBuffer());
            }
        }
        Files.move(partial, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    }

    private static String dtypeOf(NDArray array) {
        return switch (array.getDataType()) {
            case FLOAT32 -> "F32";
            case FLOAT16 -> "F16";
            case INT64 -> "I64";
            default ->
                throw new IllegalArgumentException(
                        "cannot write " + array.getDataType() + ", expected float32, float16" + " or int64");
        };
    }

    private static long bytesPerElement(Path file, String name, String dtype) throws WeightsException {
        return switch (dtype) {
            case "I64" -> 8;
            case "F32" -> 4;
            case "F16", "BF16" -> 2;
            default ->
                throw broken(file, "tensor '" + name + "' has type " + dtype + ", expected F32, F16, BF16 or I64");
        };
    }

    private static ByteBuffer read(FileChannel channel, long position, int size) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
        while (buffer.hasRemaining() && channel.read(buffer, position + buffer.position()) >= 0) {
            // read on
        }
        return buffer.flip();
    }

    private static void writeFully(FileChannel channel, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    private static WeightsException broken(Path file, String why) {
        return new WeightsException(file + " is not a whole safetensors file: " + why + "; fetch it again");
    }
}
