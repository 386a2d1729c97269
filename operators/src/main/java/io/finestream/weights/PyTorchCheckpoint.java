package io.finestream.weights;

import ai.djl.ndarray.types.Shape;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.commons.compress.archivers.zip.ZipArchiveEntry;
import org.apache.commons.compress.archivers.zip.ZipFile;
import org.jspecify.annotations.Nullable;

/**
 * What torch.save writes since 1.6: a zip, not compressed, in which {@code NAME/data.pkl} describes the tensors and {@code
 * NAME/data/KEY} has the bytes of one storage. Read are a state dictionary, alone or as {@code state_dict}, and a training
 * checkpoint with the networks {@code model} and {@code ema}.
 *
 * <p>Nothing of the file is run: {@link Unpickler} knows the few names that state dictionaries need.
 */
public final class PyTorchCheckpoint extends TensorFile {

    /** Which of a training checkpoint's networks is read. */
    public enum Part {
        /** The moving average of the parameters, which samples are drawn from. */
        EMA,
        /** The parameters as the last step left them. */
        MODEL;

        /** The key of the network in the checkpoint. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    private static final byte[] ZIP = {'P', 'K', 3, 4};
    /** Protocol 2, then the number 0x1950a86a20f9469cfc6c. */
    private static final byte[] BEFORE_ZIP = {(byte) 0x80, 2, (byte) 0x8a, 10, 0x6c, (byte) 0xfc, (byte) 0x9c, 0x46};

    private static final String PICKLE = "/data.pkl";
    private static final String STATE_DICT = "state_dict";
    private static final long MAX_PICKLE = 32 << 20; // a hundred times what the largest DiT and its optimizer need
    private static final long MAX_BYTE_ORDER = 16;
    private static final int SHOWN = 10;

    private PyTorchCheckpoint(Path file, Map<String, StoredTensor> tensors) {
        super(file, tensors, Map.of());
    }

    /** Opens a file; of a training checkpoint, the moving average of the parameters. */
    public static PyTorchCheckpoint open(Path file) throws IOException {
        return open(file, Part.EMA);
    }

    /**
     * Reads what the file says of its tensors.
     *
     * @param part of a training checkpoint; a state dictionary has only one
     * @throws WeightsException if the file is no such zip, is broken, names anything that a state dictionary does not
     *     need, or lacks the part: then the message has the parts that there are
     */
    public static PyTorchCheckpoint open(Path file, Part part) throws IOException {
        Map<String, ZipArchiveEntry> entries = readDirectory(file);
        ZipArchiveEntry pickle = pickle(file, entries);
        String archive = archive(pickle.getName());
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            requireLittleEndian(file, channel, entries.get(archive + "/byteorder"));
            byte[] bytes = read(file, channel, pickle, MAX_PICKLE);
            Object root = new Unpickler(file + ": " + pickle.getName(), bytes).load();
            Map<String, StoredTensor> tensors = new LinkedHashMap<>();
            for (Map.Entry<?, ?> entry : stateDict(file, root, part).entrySet()) {
                if (!(entry.getKey() instanceof String name)
                        || !(entry.getValue() instanceof Unpickler.Tensor tensor)) {
                    throw new WeightsException(file + ": '" + described(entry.getKey())
                            + "' of the state dictionary is not a tensor with a name; save the state_dict() of the"
                            + " network alone");
                }
                ZipArchiveEntry storage =
                        entries.get(archive + "/data/" + tensor.storage().key());
                tensors.put(name, stored(file, channel.size(), name, tensor, storage));
            }
            return new PyTorchCheckpoint(file, tensors);
        }
    }

    /**
     * Writes a state dictionary that {@link #open} and torch.load read, replacing the file in one move.
     *
     * @throws IllegalArgumentException if two tensors have one name
     */
    public static void write(Path file, List<TensorSource> tensors) throws IOException {
        WholeFile.write(file, channel -> PyTorchArchive.write(channel, tensors));
    }

    /**
     * Writes several state dictionaries, as a training checkpoint has them: {@code model} and {@code ema}. A tensor that is
     * in two of them is written twice.
     *
     * @param parts by name
     * @throws IllegalArgumentException if two tensors of a part have one name
     */
    public static void write(Path file, Map<String, List<TensorSource>> parts) throws IOException {
        WholeFile.write(file, channel -> PyTorchArchive.write(channel, parts));
    }

    static boolean isZip(byte[] start) {
        return startsWith(start, ZIP);
    }

    /** Whether a file that starts so was written by torch.save before 1.6. */
    static boolean isBeforeZip(byte[] start) {
        return startsWith(start, BEFORE_ZIP);
    }

    private static boolean startsWith(byte[] file, byte[] magic) {
        return file.length >= magic.length && Arrays.equals(file, 0, magic.length, magic, 0, magic.length);
    }

    private static Map<String, ZipArchiveEntry> readDirectory(Path file) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw new WeightsException("there is no file " + file.toAbsolutePath());
        }
        Map<String, ZipArchiveEntry> entries = new LinkedHashMap<>();
        try (ZipFile zip = ZipFile.builder().setPath(file).get()) {
            for (ZipArchiveEntry entry : (Iterable<ZipArchiveEntry>) zip.getEntries()::asIterator) {
                if (entries.put(entry.getName(), entry) != null) {
                    throw broken(file, "its zip has " + entry.getName() + " twice");
                }
            }
        } catch (WeightsException e) {
            throw e;
        } catch (IOException | RuntimeException e) { // the library's own checks end in both
            Throwable cause = e.getCause() == null ? e : e.getCause();
            throw broken(file, "its zip can not be read (" + cause.getMessage() + ")");
        }
        return entries;
    }

    private static ZipArchiveEntry pickle(Path file, Map<String, ZipArchiveEntry> entries) throws WeightsException {
        List<ZipArchiveEntry> found = entries.values().stream()
                .filter(entry -> entry.getName().endsWith(PICKLE)
                        && !archive(entry.getName()).contains("/"))
                .toList();
        if (found.size() != 1) {
            throw new WeightsException(file + " is a zip with " + found.size()
                    + " entries NAME/data.pkl, expected one, as torch.save writes it");
        }
        String archive = archive(found.get(0).getName());
        boolean script = entries.keySet().stream()
                .anyMatch(name -> name.equals(archive + "/constants.pkl") || name.startsWith(archive + "/code/"));
        if (script) {
            throw new WeightsException(
                    file + " is a TorchScript archive, a program with weights, expected weights alone;"
                            + " load it with torch.jit.load and save its state_dict() with torch.save");
        }
        return found.get(0);
    }

    private static String archive(String pickle) {
        return pickle.substring(0, pickle.length() - PICKLE.length());
    }

    private static void requireLittleEndian(Path file, FileChannel channel, @Nullable ZipArchiveEntry byteOrder)
            throws IOException {
        if (byteOrder == null) { // before torch 2.1
            return;
        }
        String order = new String(read(file, channel, byteOrder, MAX_BYTE_ORDER), StandardCharsets.ISO_8859_1);
        if (!order.equals("little")) {
            throw new WeightsException(file + " has numbers in the byte order '" + order
                    + "', expected 'little'; save it again on a little-endian machine");
        }
    }

    private static byte[] read(Path file, FileChannel channel, ZipArchiveEntry entry, long most) throws IOException {
        long position = position(file, channel.size(), entry);
        if (entry.getSize() > most) {
            throw broken(file, entry.getName() + " has " + entry.getSize() + " bytes, expected at most " + most);
        }
        ByteBuffer bytes = Safetensors.read(channel, position, (int) entry.getSize());
        return Arrays.copyOf(bytes.array(), bytes.limit());
    }

    /** Where the bytes of an entry are in the file: all of them, as they are. */
    private static long position(Path file, long fileSize, ZipArchiveEntry entry) throws WeightsException {
        if (entry.getMethod() != ZipArchiveEntry.STORED
                || entry.getGeneralPurposeBit().usesEncryption()) {
            throw new WeightsException(file + ": " + entry.getName() + " is compressed or encrypted, which torch.save"
                    + " does not do; unpack it, and zip it again with 'zip -0', or save it again with torch.save");
        }
        long position = entry.getDataOffset();
        long size = entry.getSize();
        if (position < 0 || size < 0 || size != entry.getCompressedSize() || size > fileSize - position) {
            throw broken(
                    file,
                    entry.getName() + " claims " + size + " bytes from byte " + position + " in a file of " + fileSize);
        }
        return position;
    }

    private static Map<?, ?> stateDict(Path file, Object root, Part part) throws WeightsException {
        if (!(root instanceof Map<?, ?> dict)) {
            throw new WeightsException(file + " holds " + described(root)
                    + ", expected a dictionary of tensors; save the state_dict() of the network");
        }
        boolean checkpoint = Arrays.stream(Part.values()).anyMatch(p -> dict.get(p.toString()) instanceof Map);
        Object chosen =
                checkpoint ? dict.get(part.toString()) : dict.get(STATE_DICT) instanceof Map<?, ?> in ? in : dict;
        if (chosen instanceof Map<?, ?> map && map.values().stream().anyMatch(Unpickler.Tensor.class::isInstance)) {
            return map;
        }
        String parts = dict.keySet().stream()
                .limit(SHOWN)
                .map(PyTorchCheckpoint::described)
                .collect(Collectors.joining(", "));
        throw new WeightsException(file + " has no tensors "
                + (checkpoint ? "in the part '" + part + "'" : "that have names") + "; its parts are [" + parts
                + "], expected a state dictionary, alone or under '" + part + "' or '" + STATE_DICT + "'");
    }

    private static StoredTensor stored(
            Path file, long fileSize, String name, Unpickler.Tensor tensor, @Nullable ZipArchiveEntry entry)
            throws WeightsException {
        Unpickler.Storage storage = tensor.storage();
        TensorType type = storage.type();
        if (entry == null) {
            throw broken(
                    file,
                    "tensor '" + name + "' lies in the storage '" + Unpickler.shortened(storage.key())
                            + "', which is not there");
        }
        long position = position(file, fileSize, entry);
        long bytes = type.bytes(tensor.shape());
        long from = type.bytes(new long[] {tensor.offset()});
        long size = Math.min(entry.getSize(), type.bytes(new long[] {storage.elements()}));
        if (bytes < 0 || from < 0 || bytes > size - from) {
            throw broken(
                    file,
                    "tensor '" + name + "' of shape " + Arrays.toString(tensor.shape()) + ", " + type
                            + ", from element " + tensor.offset() + " is larger than its storage of " + size
                            + " bytes");
        }
        if (bytes > 0 && !isContiguous(tensor)) {
            throw new WeightsException(file + ": tensor '" + name + "' of shape " + Arrays.toString(tensor.shape())
                    + " has strides " + Arrays.toString(tensor.strides())
                    + ", expected its numbers row by row; call contiguous() on it before it is saved");
        }
        return new StoredTensor(file, name, type, new Shape(tensor.shape()), position + from);
    }

    private static boolean isContiguous(Unpickler.Tensor tensor) {
        long stride = 1;
        for (int i = tensor.shape().length - 1; i >= 0; i--) {
            if (tensor.shape()[i] != 1) {
                if (tensor.strides()[i] != stride) {
                    return false;
                }
                stride *= tensor.shape()[i];
            }
        }
        return true;
    }

    private static String described(Object value) {
        return value instanceof String text ? Unpickler.shortened(text) : Unpickler.kind(value);
    }

    private static WeightsException broken(Path file, String why) {
        return new WeightsException(file + " is not a whole PyTorch checkpoint: " + why + "; fetch it again");
    }
}
