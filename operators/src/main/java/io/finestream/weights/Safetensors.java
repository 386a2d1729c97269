package io.finestream.weights;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * A safetensors file, read by memory map: an 8-byte header length, a JSON header of names, types, shapes and offsets,
 * then the tensors' bytes, little-endian.
 */
public final class Safetensors extends TensorFile {

    static final ObjectMapper JSON = new ObjectMapper()
            .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);
    /** Bytes of JSON: a hundred thousand tensors, and a tree that fits into a small heap whatever it says. */
    static final long MAX_HEADER = 16 << 20;

    private static final String METADATA = "__metadata__";
    private static final int SHOWN = 200;

    private Safetensors(Path file, Map<String, StoredTensor> tensors, Map<String, String> metadata) {
        super(file, tensors, metadata);
    }

    /** Whether a file that starts so can be safetensors: no header has 4 GiB, no text has zeros. */
    static boolean hasHeader(byte[] start) {
        return start.length >= 8 && start[4] == 0 && start[5] == 0 && start[6] == 0 && start[7] == 0;
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
        Map<String, StoredTensor> tensors = new LinkedHashMap<>();
        Map<String, String> metadata = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> field : header.properties()) {
            String name = field.getKey();
            if (name.equals(METADATA)) {
                field.getValue()
                        .properties()
                        .forEach(m -> metadata.put(m.getKey(), m.getValue().asText()));
            } else {
                tensors.put(name, parseTensor(file, dataStart, size - dataStart, name, field.getValue()));
            }
        }
        requireDisjoint(file, tensors.values());
        return new Safetensors(file, tensors, metadata);
    }

    private static StoredTensor parseTensor(Path file, long dataStart, long dataSize, String name, JsonNode tensor)
            throws WeightsException {
        JsonNode sides = tensor.path("shape");
        if (!sides.isArray()) {
            throw broken(file, "tensor '" + name + "' has no shape");
        }
        long[] shape = new long[sides.size()];
        for (int i = 0; i < shape.length; i++) {
            shape[i] = wholeNumber(sides.get(i));
        }
        TensorType type = TensorType.named(tensor.path("dtype").asText());
        if (type == null) {
            throw broken(
                    file,
                    "tensor '" + name + "' has type " + tensor.path("dtype").asText()
                            + ", expected F32, F16, BF16 or I64");
        }
        long expected = type.bytes(shape);
        if (expected < 0) {
            throw broken(file, "tensor '" + name + "' has the impossible shape " + shortened(sides));
        }
        long begin = wholeNumber(tensor.path("data_offsets").path(0));
        long end = wholeNumber(tensor.path("data_offsets").path(1));
        if (begin < 0 || end - begin != expected) {
            throw broken(
                    file,
                    "tensor '" + name + "' claims bytes " + begin + " to " + end + ", its shape " + sides + " of "
                            + type + " needs " + expected);
        }
        if (end > dataSize) {
            throw broken(
                    file,
                    "tensor '" + name + "' ends at byte " + end + " of the data, which has " + dataSize
                            + ": it is cut short");
        }
        return new StoredTensor(file, name, type, new Shape(shape), dataStart + begin);
    }

    /** Not negative, or -1 for anything else. */
    private static long wholeNumber(JsonNode number) {
        return number.isIntegralNumber() && number.canConvertToLong() ? Math.max(number.longValue(), -1) : -1;
    }

    private static String shortened(JsonNode json) {
        String text = json.toString();
        return text.length() <= SHOWN ? text : text.substring(0, SHOWN) + "…";
    }

    private static void requireDisjoint(Path file, Collection<StoredTensor> tensors) throws WeightsException {
        long end = 0;
        List<StoredTensor> inOrder = tensors.stream()
                .sorted(Comparator.comparingLong(StoredTensor::position).thenComparingLong(StoredTensor::bytes))
                .toList();
        for (StoredTensor tensor : inOrder) {
            if (tensor.position() < end) {
                throw broken(file, "tensor '" + tensor.name() + "' overlaps with another");
            }
            end = tensor.position() + tensor.bytes();
        }
    }

    /**
     * Writes float32, float16 and int64 tensors, replacing the file in one move.
     *
     * @param metadata for {@code __metadata__}
     */
    public static void write(Path file, Map<String, NDArray> tensors, Map<String, String> metadata) throws IOException {
        List<TensorSource> sources = tensors.entrySet().stream()
                .map(tensor -> TensorSource.of(tensor.getKey(), tensor.getValue()))
                .toList();
        write(file, sources, metadata);
    }

    /**
     * Writes tensors one after the other, replacing the file in one move.
     *
     * @param metadata for {@code __metadata__}
     * @throws IllegalArgumentException if two have one name
     */
    public static void write(Path file, List<TensorSource> tensors, Map<String, String> metadata) throws IOException {
        List<TensorSource> widestFirst = tensors.stream() // so each lies at a multiple of its width
                .sorted(Comparator.comparingInt(tensor -> -tensor.type().width()))
                .toList();
        ByteBuffer header = header(tensors, offsets(widestFirst), metadata);
        WholeFile.write(file, channel -> {
            while (header.hasRemaining()) {
                channel.write(header);
            }
            for (TensorSource tensor : widestFirst) {
                tensor.writeTo(channel);
            }
        });
    }

    private static Map<String, Long> offsets(List<TensorSource> tensors) {
        Map<String, Long> offsets = new HashMap<>();
        long offset = 0;
        for (TensorSource tensor : tensors) {
            if (tensor.name().equals(METADATA) || offsets.put(tensor.name(), offset) != null) {
                throw new IllegalArgumentException("there are two entries '" + tensor.name() + "', expected one");
            }
            offset += tensor.bytes();
        }
        return offsets;
    }

    private static ByteBuffer header(
            List<TensorSource> tensors, Map<String, Long> offsets, Map<String, String> metadata) throws IOException {
        ObjectNode header = JSON.createObjectNode();
        if (!metadata.isEmpty()) {
            header.set(METADATA, JSON.valueToTree(metadata));
        }
        for (TensorSource tensor : tensors) {
            ObjectNode entry = header.putObject(tensor.name());
            entry.put("dtype", tensor.type().name());
            entry.set("shape", JSON.valueToTree(tensor.shape().getShape()));
            long offset = Objects.requireNonNull(offsets.get(tensor.name()));
            entry.putArray("data_offsets").add(offset).add(offset + tensor.bytes());
        }
        byte[] json = JSON.writeValueAsString(header).getBytes(StandardCharsets.UTF_8);
        int padding = (8 - json.length % 8) % 8; // tensors start aligned
        ByteBuffer head = ByteBuffer.allocate(8 + json.length + padding).order(ByteOrder.LITTLE_ENDIAN);
        head.putLong(json.length + padding).put(json).put(" ".repeat(padding).getBytes(StandardCharsets.UTF_8));
        return head.flip();
    }

    static ByteBuffer read(FileChannel channel, long position, int size) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
        while (buffer.hasRemaining() && channel.read(buffer, position + buffer.position()) >= 0) {
            // read on
        }
        return buffer.flip();
    }

    private static WeightsException broken(Path file, String why) {
        return new WeightsException(file + " is not a whole safetensors file: " + why + "; fetch it again");
    }
}
