package io.finestream.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import ai.djl.ndarray.types.Shape;
import io.finestream.Golden;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PyTorchArchiveTest {

    private static final ByteBuffer ZEROS = ByteBuffer.allocate(TensorSource.PIECE);

    @TempDir
    Path folder;

    /** A channel to a file that leaves a hole where zeros are written. */
    private record Sparse(FileChannel file) implements SeekableByteChannel {

        @Override
        public int write(ByteBuffer from) throws IOException {
            if (!from.equals(ZEROS)) {
                return file.write(from);
            }
            file.position(file.position() + from.remaining());
            from.position(from.limit());
            return ZEROS.remaining();
        }

        @Override
        public int read(ByteBuffer into) throws IOException {
            return file.read(into);
        }

        @Override
        public long position() throws IOException {
            return file.position();
        }

        @Override
        public SeekableByteChannel position(long position) throws IOException {
            file.position(position);
            return this;
        }

        @Override
        public long size() throws IOException {
            return file.size();
        }

        @Override
        public SeekableByteChannel truncate(long size) throws IOException {
            file.truncate(size);
            return this;
        }

        @Override
        public boolean isOpen() {
            return file.isOpen();
        }

        @Override
        public void close() throws IOException {
            file.close();
        }
    }

    @Test
    void entriesAreThoseOfTorchWithTheirChecksums() throws IOException {
        Path file = folder.resolve("x.pt");
        PyTorchCheckpoint.write(file, List.of(floats("a", 1, 2, 3), floats("b"), floats("c", -4)));
        Map<String, byte[]> entries = new LinkedHashMap<>();
        try (InputStream in = Files.newInputStream(file);
                ZipInputStream zip = new ZipInputStream(in)) { // compares the CRC-32 of each entry
            for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
                assertThat(entry.getMethod()).isEqualTo(ZipEntry.STORED);
                assertThat(entry.getTimeLocal()).as("the same file at any time").hasToString("1980-01-01T00:00");
                byte[] bytes = zip.readAllBytes();
                CRC32 crc = new CRC32();
                crc.update(bytes);
                assertThat(entry.getCrc()).isEqualTo(crc.getValue());
                entries.put(entry.getName(), bytes);
            }
        }
        assertThat(entries.keySet())
                .containsExactly(
                        "archive/data.pkl",
                        "archive/byteorder",
                        "archive/data/0",
                        "archive/data/1",
                        "archive/data/2",
                        "archive/version");
        assertThat(entries.get("archive/byteorder"))
                .asString(StandardCharsets.US_ASCII)
                .isEqualTo("little");
        assertThat(entries.get("archive/version"))
                .asString(StandardCharsets.US_ASCII)
                .isEqualTo("3\n");
        assertThat(entries.get("archive/data/0")).hasSize(12);
        assertThat(entries.get("archive/data/1")).isEmpty();
        PyTorchCheckpoint read = PyTorchCheckpoint.open(file);
        for (String name : read.names()) {
            assertThat(read.tensor(name).position() % 64)
                    .as("mapped where it lies")
                    .isZero();
        }
    }

    @Test
    void aTensorInBothPartsIsWrittenTwice() throws IOException {
        TensorSource same = floats("w", 1, 2);
        Map<String, List<TensorSource>> parts = new LinkedHashMap<>();
        parts.put("model", List.of(same, floats("v", 5)));
        parts.put("ema", List.of(same));
        Path file = folder.resolve("both.pt");
        PyTorchCheckpoint.write(file, parts);
        PyTorchCheckpoint model = PyTorchCheckpoint.open(file, PyTorchCheckpoint.Part.MODEL);
        PyTorchCheckpoint ema = PyTorchCheckpoint.open(file);
        assertThat(model.names()).containsExactly("w", "v");
        assertThat(ema.names()).containsExactly("w");
        assertThat(model.tensor("w").hasSameBytes(ema.tensor("w"))).isTrue();
        assertThat(model.tensor("w").position()).isNotEqualTo(ema.tensor("w").position());
    }

    @Test
    void aCheckpointOfTorchIsTheSameWhenItIsWrittenAgain() throws IOException {
        Map<String, List<TensorSource>> parts = new LinkedHashMap<>();
        for (PyTorchCheckpoint.Part part : PyTorchCheckpoint.Part.values()) {
            PyTorchCheckpoint from = PyTorchCheckpoint.open(Golden.file("finediffusion-checkpoint.pt"), part);
            List<TensorSource> tensors = new ArrayList<>();
            for (String name : from.names()) {
                tensors.add(from.source(name));
            }
            parts.put(part == PyTorchCheckpoint.Part.EMA ? "ema" : "model", tensors);
        }
        Path file = folder.resolve("again.pt");
        PyTorchCheckpoint.write(file, parts);
        for (PyTorchCheckpoint.Part part : PyTorchCheckpoint.Part.values()) {
            PyTorchCheckpoint from = PyTorchCheckpoint.open(Golden.file("finediffusion-checkpoint.pt"), part);
            PyTorchCheckpoint again = PyTorchCheckpoint.open(file, part);
            assertThat(again.names()).containsExactlyElementsOf(from.names());
            for (String name : from.names()) {
                assertThat(again.tensor(name).hasSameBytes(from.tensor(name)))
                        .as(name)
                        .isTrue();
            }
        }
    }

    @Test
    void tensorsOfMoreThanFourGibibytesAndBehindThemAreReadBack() throws IOException {
        long pieces = 4_100; // of 1 MiB
        byte[] end = {1, 2, 3, 4};
        TensorSource huge = new TensorSource("huge", TensorType.F32, new Shape(pieces << 18, 1), out -> {
            for (long i = 0; i < pieces - 1; i++) {
                out.write(ZEROS.duplicate());
            }
            byte[] last = new byte[TensorSource.PIECE];
            System.arraycopy(end, 0, last, last.length - end.length, end.length);
            out.write(ByteBuffer.wrap(last));
        });
        Path file = folder.resolve("huge.pt");
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            PyTorchArchive.write(new Sparse(channel), List.of(floats("a", 1), huge, floats("behind", 7, 8)));
        }
        assertThat(Files.size(file)).isGreaterThan(1L << 32);
        PyTorchCheckpoint read = PyTorchCheckpoint.open(file);
        assertThat(read.shape("huge")).isEqualTo(new Shape(pieces << 18, 1));
        StoredTensor last = read.tensor("huge").rows((pieces << 18) - 1, pieces << 18);
        try (FileChannel channel = FileChannel.open(file)) {
            assertThat(Safetensors.read(channel, last.position(), 4).array()).isEqualTo(end);
        }
        assertThat(read.tensor("behind").position() % 64).isZero();
        Path behind = folder.resolve("behind.safetensors");
        Safetensors.write(behind, List.of(read.source("behind"), floats("expected", 7, 8)), Map.of());
        Safetensors copy = Safetensors.open(behind);
        assertThat(copy.tensor("behind").hasSameBytes(copy.tensor("expected"))).isTrue();
    }

    @Test
    void twoTensorsOfOneNameAreRefusedInOnePart() {
        Map<String, List<TensorSource>> parts = Map.of("ema", List.of(floats("w", 1), floats("w", 2)));
        assertThatExceptionOfType(IllegalArgumentException.class)
                .isThrownBy(() -> PyTorchCheckpoint.write(folder.resolve("two.pt"), parts))
                .withMessageContaining("two tensors 'w', expected one");
        assertThat(folder).isEmptyDirectory();
    }

    private static TensorSource floats(String name, float... values) {
        ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(values);
        return new TensorSource(name, TensorType.F32, new Shape(values.length), out -> out.write(bytes.duplicate()));
    }
}
