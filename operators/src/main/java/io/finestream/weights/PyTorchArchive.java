package io.finestream.weights;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.time.LocalDateTime;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.commons.compress.archivers.zip.ZipArchiveEntry;
import org.apache.commons.compress.archivers.zip.ZipArchiveOutputStream;

/**
 * Writes the zip of torch.save: not compressed, storages aligned, with the extensions for large files only where they are
 * needed. The bytes of a storage pass once; its CRC-32 is known afterwards and is put into the header that stands before
 * it, so the channel has to be one that can go back.
 */
final class PyTorchArchive {

    private static final String NAME = "archive/";
    private static final int ALIGNMENT = 64; // as in torch's caffe2/serialize/inline_container.h
    private static final LocalDateTime NO_TIME = LocalDateTime.of(1980, 1, 1, 0, 0); // the same file at any time

    private PyTorchArchive() {}

    /** A state dictionary. */
    static void write(SeekableByteChannel channel, List<TensorSource> tensors) throws IOException {
        Pickler pickle = new Pickler();
        put(pickle, tensors);
        write(channel, pickle.bytes(), tensors);
    }

    /** State dictionaries by the names of their parts. */
    static void write(SeekableByteChannel channel, Map<String, List<TensorSource>> parts) throws IOException {
        Pickler pickle = new Pickler().dictionary();
        parts.forEach((part, tensors) -> put(pickle.key(part), tensors));
        pickle.end();
        write(
                channel,
                pickle.bytes(),
                parts.values().stream().flatMap(List::stream).toList());
    }

    private static void put(Pickler pickle, List<TensorSource> tensors) {
        Set<String> names = new HashSet<>();
        pickle.stateDictionary();
        for (TensorSource tensor : tensors) {
            if (!names.add(tensor.name())) {
                throw new IllegalArgumentException("there are two tensors '" + tensor.name() + "', expected one");
            }
            pickle.key(tensor.name()).tensor(tensor.type(), tensor.shape().getShape());
        }
        pickle.end();
    }

    private static void write(SeekableByteChannel channel, byte[] pickle, List<TensorSource> storages)
            throws IOException {
        try (ZipArchiveOutputStream zip = new ZipArchiveOutputStream(channel)) {
            put(zip, "data.pkl", pickle);
            put(zip, "byteorder", "little".getBytes(StandardCharsets.US_ASCII));
            int key = 0;
            for (TensorSource storage : storages) {
                zip.putArchiveEntry(entry("data/" + key++, storage.bytes()));
                storage.writeTo(new Heap(zip));
                zip.closeArchiveEntry();
            }
            put(zip, "version", "3\n".getBytes(StandardCharsets.US_ASCII));
        }
    }

    private static void put(ZipArchiveOutputStream zip, String name, byte[] content) throws IOException {
        zip.putArchiveEntry(entry(name, content.length));
        zip.write(content);
        zip.closeArchiveEntry();
    }

    private static ZipArchiveEntry entry(String name, long size) {
        ZipArchiveEntry entry = new ZipArchiveEntry(NAME + name);
        entry.setMethod(ZipArchiveEntry.STORED);
        entry.setSize(size);
        entry.setAlignment(ALIGNMENT);
        entry.setTimeLocal(NO_TIME);
        return entry;
    }

    /** Passes buffers of any kind on as arrays. */
    private record Heap(OutputStream out) implements WritableByteChannel {

        @Override
        public int write(ByteBuffer from) throws IOException {
            int size = from.remaining();
            byte[] piece = new byte[Math.min(size, TensorSource.PIECE)];
            while (from.hasRemaining()) {
                int count = Math.min(from.remaining(), piece.length);
                from.get(piece, 0, count);
                out.write(piece, 0, count);
            }
            return size;
        }

        @Override
        public boolean isOpen() {
            return true;
        }

        @Override
        public void close() {
            // the zip goes on
        }
    }
}
