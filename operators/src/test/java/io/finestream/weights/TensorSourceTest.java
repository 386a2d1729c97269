package io.finestream.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.finestream.torch.TorchOps;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What is written by both formats is read back to the bit. */
class TensorSourceTest {

    private static final NDManager MANAGER = TorchOps.newManager(Device.cpu());
    private static final TorchOps OPS = TorchOps.load(MANAGER);
    private static final float[] ODD = {
        0,
        -0f,
        1,
        -1.5f,
        Float.MIN_VALUE,
        -Float.MAX_VALUE,
        Float.NaN,
        Float.NEGATIVE_INFINITY,
        1e-6f,
        65504,
        65519,
        65520
    };

    /** Writes tensors in one of the formats. */
    enum Format {
        SAFETENSORS {
            @Override
            void write(Path file, List<TensorSource> tensors) throws IOException {
                Safetensors.write(file, tensors, Map.of("format", "pt"));
            }
        },
        STATE_DICTIONARY {
            @Override
            void write(Path file, List<TensorSource> tensors) throws IOException {
                PyTorchCheckpoint.write(file, tensors);
            }
        },
        CHECKPOINT {
            @Override
            void write(Path file, List<TensorSource> tensors) throws IOException {
                PyTorchCheckpoint.write(file, Map.of("model", List.of(), "ema", tensors));
            }
        };

        abstract void write(Path file, List<TensorSource> tensors) throws IOException;
    }

    @TempDir
    Path folder;

    @AfterAll
    static void close() {
        MANAGER.close();
    }

    @ParameterizedTest
    @EnumSource
    void everyTypeAndShapeIsReadBackToTheBit(Format format) throws IOException {
        NDArray odd = MANAGER.create(ODD, new Shape(3, 4));
        List<NDArray> arrays = List.of(
                odd.toType(DataType.FLOAT16, true).reshape(12).get("0:7"), // 14 bytes: what follows is not aligned
                odd,
                odd.transpose(), // its numbers do not lie row by row
                MANAGER.create(new long[] {Long.MIN_VALUE, -1, Long.MAX_VALUE}),
                MANAGER.create(2.5f),
                MANAGER.create(-7L),
                MANAGER.create(new Shape(0, 4), DataType.FLOAT32),
                MANAGER.create(new Shape(2, 0), DataType.INT64),
                MANAGER.randomNormal(new Shape(3, 100_003))); // in more than one piece
        List<TensorSource> tensors = new ArrayList<>();
        for (int i = 0; i < arrays.size(); i++) {
            tensors.add(TensorSource.of("blocks." + i + ".wéight", arrays.get(i)));
        }
        Path file = folder.resolve("all");
        format.write(file, tensors);

        TensorFile read = TensorFile.open(file);
        assertThat(read.names())
                .containsExactlyElementsOf(
                        tensors.stream().map(TensorSource::name).toList());
        for (int i = 0; i < arrays.size(); i++) {
            String name = tensors.get(i).name();
            StoredTensor stored = read.tensor(name);
            assertThat(stored.position() % stored.type().width()).as(name).isZero();
            assertThat(stored.type()).as(name).isEqualTo(tensors.get(i).type());
            assertThat(stored.shape()).as(name).isEqualTo(arrays.get(i).getShape());
            assertThat(read.map(OPS, MANAGER, name).toByteBuffer())
                    .as(name)
                    .isEqualTo(arrays.get(i).toByteBuffer());
        }
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files).as("no partial file stays").containsExactly(file);
        }
    }

    @ParameterizedTest
    @EnumSource
    void tensorsOfAFileAreCopiedUnderAnotherName(Format format) throws IOException {
        Path first = folder.resolve("first");
        TensorSource large = TensorSource.of("large", MANAGER.randomNormal(new Shape(3, 100_003)));
        format.write(
                first,
                List.of(
                        TensorSource.of("small", MANAGER.create(1.5f)),
                        large,
                        large.as(TensorType.BF16).named("bf16"),
                        large.as(TensorType.F16).named("f16")));
        TensorFile from = TensorFile.open(first);
        Path second = folder.resolve("second");
        List<TensorSource> copies = new ArrayList<>();
        for (String name : List.of("f16", "bf16", "large")) {
            copies.add(from.source(name).named("other." + name));
        }
        format.write(second, copies);
        TensorFile read = TensorFile.open(second);
        assertThat(read.names()).containsExactly("other.f16", "other.bf16", "other.large");
        for (String name : List.of("f16", "bf16", "large")) {
            assertThat(read.tensor("other." + name).hasSameBytes(from.tensor(name)))
                    .as(name)
                    .isTrue();
        }
        assertThat(read.tensor("other.bf16").type()).isEqualTo(TensorType.BF16);
    }

    @ParameterizedTest
    @EnumSource
    void whatIsMadeForTheFileIsClosedBeforeTheNext(Format format) throws IOException {
        List<NDArray> made = new ArrayList<>();
        List<TensorSource> tensors = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            float value = i + 0.25f;
            tensors.add(TensorSource.of("t" + i, TensorType.BF16, new Shape(2), MANAGER, m -> {
                assertThat(made)
                        .allSatisfy(array -> assertThat(array.isReleased()).isTrue());
                made.add(m.create(new float[] {value, -value}));
                return made.get(made.size() - 1);
            }));
        }
        Path file = folder.resolve("made");
        format.write(file, tensors);
        assertThat(made)
                .hasSize(3)
                .allSatisfy(array -> assertThat(array.isReleased()).isTrue());
        assertThat(TensorFile.open(file).readFloat32(OPS, MANAGER, "t2").toFloatArray())
                .containsExactly(2.25f, -2.25f);
    }

    static Stream<TensorType> halves() {
        return Stream.of(TensorType.F16, TensorType.BF16);
    }

    @ParameterizedTest
    @MethodSource("halves")
    void float32IsRoundedAsTheEngineDoes(TensorType type) throws IOException {
        List<Float> values = new ArrayList<>();
        for (int bits = 0; bits < 1 << 16; bits++) { // every bfloat16 and its neighbours in float32, ties among them
            for (int low : new int[] {0, 1, 0x7fff, 0x8000, 0x8001, 0xffff}) {
                values.add(Float.intBitsToFloat(bits << 16 | low));
            }
        }
        for (int exponent = 127 - 26;
                exponent < 127 + 17;
                exponent++) { // every float16 of the sign + and its neighbours
            for (int fraction = 0; fraction < 1 << 10; fraction++) {
                for (int low : new int[] {0, 1, 0xfff, 0x1000, 0x1001, 0x1fff}) {
                    values.add(Float.intBitsToFloat(exponent << 23 | fraction << 13 | low));
                }
            }
        }
        values.removeIf(value -> value.isNaN()); // processors differ in what they keep of them
        float[] floats = new float[values.size()];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = values.get(i);
        }
        NDArray array = MANAGER.create(floats);
        Path file = folder.resolve("halves");
        Safetensors.write(file, List.of(TensorSource.of("x", array).as(type)), Map.of());
        Safetensors read = Safetensors.open(file);
        assertThat(read.tensor("x").type()).isEqualTo(type);
        NDArray expected =
                type == TensorType.F16 ? array.toType(DataType.FLOAT16, true) : OPS.toBfloat16(MANAGER, array);
        assertThat(read.readFloat32(OPS, MANAGER, "x").toByteBuffer())
                .isEqualTo(OPS.toFloat32(MANAGER, expected).toByteBuffer());
    }

    @ParameterizedTest
    @CsvSource({
        "3f800000, 3f80", // 1
        "3f808000, 3f80", // a tie goes to the even number below
        "3f818000, 3f82", // and above
        "3f808001, 3f81",
        "3f807fff, 3f80",
        "80000000, 8000", // -0
        "00000001, 0000", // the smallest number
        "00008000, 0000", // a tie of subnormal numbers
        "00018000, 0002",
        "807f8001, 8080", // becomes normal
        "7f7fffff, 7f80", // beyond the largest
        "7f7f7fff, 7f7f",
        "7f800000, 7f80", // infinite
        "ff800000, ff80",
        "7fc00000, 7fc0", // NaN
        "7f800001, 7fc0", // NaN in the bits that go
        "ffffffff, ffff"
    })
    void bfloat16IsTheNearest(String float32, String expected) {
        short rounded = Narrowing.bfloat16(Float.intBitsToFloat(Integer.parseUnsignedInt(float32, 16)));
        assertThat(String.format("%04x", rounded)).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource({
        "3f800000, 3c00", // 1
        "3f801000, 3c00", // ties
        "3f803000, 3c02",
        "3f801001, 3c01",
        "477fe000, 7bff", // 65504
        "477fefff, 7bff",
        "477ff000, 7c00", // 65520, a tie with what would be 2^16
        "ff7fffff, fc00",
        "38800000, 0400", // the smallest normal number
        "387fffff, 0400",
        "33800000, 0001", // the smallest
        "33000000, 0000", // half of it, a tie
        "33000001, 0001",
        "33c00000, 0002", // one and a half, a tie
        "80000001, 8000",
        "7f800001, 7e00", // NaN in the bits that go
        "ffc02000, fe01",
        "ff800000, fc00"
    })
    void float16IsTheNearest(String float32, String expected) {
        short rounded = Narrowing.float16(Float.intBitsToFloat(Integer.parseUnsignedInt(float32, 16)));
        assertThat(String.format("%04x", rounded)).isEqualTo(expected);
    }

    @Test
    void numbersMayComeInPiecesOfAnyLength() throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(4 * ODD.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(ODD);
        TensorSource pieces = new TensorSource("x", TensorType.F32, new Shape(ODD.length), out -> {
            for (int at = 0; at < bytes.capacity(); at += 3) {
                out.write(bytes.slice(at, Math.min(3, bytes.capacity() - at)));
            }
        });
        Path file = folder.resolve("pieces");
        Safetensors.write(file, List.of(pieces, pieces.as(TensorType.BF16).named("y")), Map.of());
        Safetensors read = Safetensors.open(file);
        assertThat(read.map(OPS, MANAGER, "x").toFloatArray()).containsExactly(ODD);
        float[] rounded = read.readFloat32(OPS, MANAGER, "y").toFloatArray();
        for (int i = 0; i < ODD.length; i++) {
            assertThat(Narrowing.bfloat16(rounded[i])).isEqualTo(Narrowing.bfloat16(ODD[i]));
        }
    }

    @ParameterizedTest
    @EnumSource
    void aTensorOfAnotherLengthLeavesTheOldFile(Format format) throws IOException {
        Path file = Files.writeString(folder.resolve("old"), "old");
        for (int length : new int[] {0, 7, 9}) {
            TensorSource wrong =
                    new TensorSource("w", TensorType.F32, new Shape(2), out -> out.write(ByteBuffer.allocate(length)));
            assertThatExceptionOfType(IllegalStateException.class)
                    .isThrownBy(() -> format.write(file, List.of(wrong)))
                    .withMessageContaining("tensor 'w' of shape (2), F32, was given " + length + " bytes, expected 8");
        }
        TensorSource fails = new TensorSource("w", TensorType.F32, new Shape(2), out -> {
            throw new IOException("gone");
        });
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> format.write(file, List.of(fails)))
                .withMessage("gone");
        TensorSource reshaped =
                TensorSource.of("w", TensorType.F32, new Shape(2), MANAGER, m -> m.create(new Shape(1, 2)));
        assertThatExceptionOfType(IllegalStateException.class)
                .isThrownBy(() -> format.write(file, List.of(reshaped)))
                .withMessageContaining("tensor 'w' was made as (1, 2), expected (2)");
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files).containsExactly(file);
        }
        assertThat(file).hasContent("old");
    }

    @ParameterizedTest
    @EnumSource
    void twoTensorsOfOneNameAreRefused(Format format) {
        TensorSource tensor = TensorSource.of("w", MANAGER.create(1f));
        assertThatExceptionOfType(IllegalArgumentException.class)
                .isThrownBy(() -> format.write(folder.resolve("x"), List.of(tensor, tensor)))
                .withMessageContaining("'w', expected one");
    }

    @Test
    void whatNoFormatHasIsRefused() {
        assertThatExceptionOfType(IllegalArgumentException.class)
                .isThrownBy(() -> new TensorSource("w", TensorType.F64, new Shape(1), out -> {}))
                .withMessageContaining("cannot write tensor 'w' of type F64, expected F32, F16, BF16 or I64");
        assertThatExceptionOfType(IllegalArgumentException.class)
                .isThrownBy(() -> new TensorSource("w", TensorType.F32, new Shape(1L << 62, 4), out -> {}))
                .withMessageContaining("impossible shape");
        assertThatExceptionOfType(IllegalArgumentException.class)
                .isThrownBy(() -> TensorSource.of("w", MANAGER.create(1L)).as(TensorType.BF16))
                .withMessageContaining("of type I64 as BF16, only F32 is converted");
        assertThatExceptionOfType(IllegalArgumentException.class)
                .isThrownBy(() -> TensorSource.of("w", MANAGER.create(1)))
                .withMessageContaining("cannot write int32");
    }
}
