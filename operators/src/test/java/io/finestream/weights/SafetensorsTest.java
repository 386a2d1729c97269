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
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class SafetensorsTest {

    private static final NDManager MANAGER = TorchOps.newManager(Device.cpu());
    private static final TorchOps OPS = TorchOps.load(MANAGER);
    private static final String GOOD = "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}";

    @TempDir
    Path folder;

    @AfterAll
    static void close() {
        MANAGER.close();
    }

    @Test
    void whatIsWrittenIsReadBack() throws IOException {
        Map<String, NDArray> tensors = new LinkedHashMap<>();
        tensors.put("matrix", MANAGER.create(new float[] {1, -2, Float.MIN_VALUE, Float.NaN, 5, 6}, new Shape(2, 3)));
        tensors.put("ünï/code \"quoted\"", MANAGER.create(new long[] {Long.MIN_VALUE, 7}));
        tensors.put("scalar", MANAGER.create(3.5f));
        tensors.put("half", MANAGER.create(new float[] {0.5f, -65504}).toType(DataType.FLOAT16, false));
        Path file = folder.resolve("round.safetensors");
        Safetensors.write(file, tensors, Map.of("format", "pt", "step", "12"));

        Safetensors read = Safetensors.open(file);
        assertThat(read.names()).containsExactlyElementsOf(tensors.keySet());
        assertThat(read.metadata()).isEqualTo(Map.of("format", "pt", "step", "12"));
        for (Map.Entry<String, NDArray> tensor : tensors.entrySet()) {
            NDArray back = read.map(OPS, MANAGER, tensor.getKey());
            assertThat(back.getShape()).isEqualTo(tensor.getValue().getShape());
            assertThat(back.getDataType()).isEqualTo(tensor.getValue().getDataType());
            assertThat(back.toByteBuffer()).isEqualTo(tensor.getValue().toByteBuffer());
        }
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files).as("no partial file stays").containsExactly(file);
        }
    }

    @Test
    void tensorsStartAlignedWhateverTheLengthOfTheHeader() throws IOException {
        for (int length = 1; length <= 8; length++) {
            Path file = folder.resolve("aligned" + length);
            Safetensors.write(file, Map.of("x".repeat(length), MANAGER.create(1.25f)), Map.of());
            byte[] bytes = Files.readAllBytes(file);
            assertThat(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong() % 8)
                    .isZero();
            assertThat(Safetensors.open(file)
                            .map(OPS, MANAGER, "x".repeat(length))
                            .getFloat())
                    .isEqualTo(1.25f);
        }
    }

    @Test
    void bfloat16IsUsedWhereItLies() throws IOException {
        Path file = folder.resolve("bf16.safetensors");
        NDArray numbers = MANAGER.create(new float[] {1, 2});
        Safetensors.write(file, List.of(TensorSource.of("x", numbers).as(TensorType.BF16)), Map.of());
        Safetensors opened = Safetensors.open(file);
        NDArray mapped = opened.map(OPS, MANAGER, "x");
        NDArray read = opened.readFloat32(OPS, MANAGER, "x");
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            ByteBuffer minusThree = ByteBuffer.wrap(new byte[] {0x40, (byte) 0xc0});
            channel.write(minusThree, opened.tensor("x").position());
        }
        assertThat(OPS.toFloat32(MANAGER, mapped).toFloatArray()).containsExactly(-3, 2);
        assertThat(read.toFloatArray()).containsExactly(1, 2);
    }

    @ParameterizedTest
    @ValueSource(strings = {"BF16", "F16"})
    void sixteenBitFilesAreReadAsFloat32(String dtype) throws IOException {
        // 1.5, -2, 0.15625, 0 in both formats
        short[] bits = dtype.equals("BF16")
                ? new short[] {0x3FC0, (short) 0xC000, 0x3E20, 0}
                : new short[] {0x3E00, (short) 0xC000, 0x3100, 0};
        ByteBuffer data = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
        for (short b : bits) {
            data.putShort(b);
        }
        Path file = write("{\"a\":{\"dtype\":\"" + dtype + "\",\"shape\":[2,2],\"data_offsets\":[0,8]}}", data.array());
        NDArray read = Safetensors.open(file).readFloat32(OPS, MANAGER, "a");
        assertThat(read.getShape()).isEqualTo(new Shape(2, 2));
        assertThat(read.getDataType()).isEqualTo(DataType.FLOAT32);
        assertThat(read.toFloatArray()).containsExactly(1.5f, -2, 0.15625f, 0);
    }

    @Test
    void tensorBeyondTwoGibibytesIsRead() throws IOException {
        long filler = 1_610_612_736; // 1.5 GiB each
        String header = "{\"a\":{\"dtype\":\"F32\",\"shape\":[402653184],\"data_offsets\":[0," + filler + "]},"
                + "\"b\":{\"dtype\":\"F32\",\"shape\":[402653184],\"data_offsets\":[" + filler + "," + 2 * filler
                + "]},"
                + "\"far\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[" + 2 * filler + "," + (2 * filler + 8)
                + "]}}";
        Path file = write(header, new byte[0]);
        long start = Files.size(file);
        try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
            sparse.seek(start + 2 * filler);
            sparse.write(floats(4.25f, -8));
        }
        assertThat(Safetensors.open(file).map(OPS, MANAGER, "far").toFloatArray())
                .containsExactly(4.25f, -8);
    }

    static Stream<Arguments> brokenFiles() {
        byte[] good = bytes(GOOD, floats(1, 2));
        return Stream.of(
                Arguments.of("empty", new byte[0], "it has 0 bytes"),
                Arguments.of("cut in the header's length", Arrays.copyOf(good, 7), "it has 7 bytes"),
                Arguments.of("cut in the header", Arrays.copyOf(good, 20), "header length"),
                Arguments.of("cut in the data", Arrays.copyOf(good, good.length - 1), "cut short"),
                Arguments.of(
                        "another format", "<!DOCTYPE html><html></html>".getBytes(StandardCharsets.UTF_8), "header"),
                Arguments.of("not JSON", bytes("this is no JSON", floats(1, 2)), "not JSON"),
                Arguments.of("JSON, but a list", bytes("[1, 2]", floats(1, 2)), "not a JSON object"),
                Arguments.of("blank header", bytes("    ", floats(1, 2)), "not a JSON object"),
                Arguments.of("a number for a tensor", bytes("{\"a\":5}", floats(1, 2)), "'a'"),
                broken("no shape", "{\"dtype\":\"F32\",\"data_offsets\":[0,4]}"),
                broken("unknown type", "{\"dtype\":\"F8_E4M3\",\"shape\":[2],\"data_offsets\":[0,2]}"),
                broken("no type", "{\"shape\":[2],\"data_offsets\":[0,8]}"),
                broken("no offsets", "{\"dtype\":\"F32\",\"shape\":[2]}"),
                broken("offsets that do not fit the shape", "{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}"),
                broken("negative offset", "{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[-8,0]}"),
                broken("offsets swapped", "{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}"),
                broken("offset beyond the file", "{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[800,808]}"),
                broken(
                        "offset near the largest number",
                        "{\"dtype\":\"F32\",\"shape\":[2],"
                                + "\"data_offsets\":[9223372036854775799,9223372036854775807]}"),
                broken("negative sides", "{\"dtype\":\"F32\",\"shape\":[-1,-2],\"data_offsets\":[0,8]}"),
                broken(
                        "a size that overflows to 0",
                        "{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,0]}"),
                broken(
                        "a side that wraps to 2",
                        "{\"dtype\":\"F32\",\"shape\":[18446744073709551618],\"data_offsets\":[0,8]}"),
                Arguments.of("a name twice", bytes("{\"a\":{},\"a\":{}}", new byte[0]), "not JSON"),
                broken("a side that is no number", "{\"dtype\":\"F32\",\"shape\":[\"x\"],\"data_offsets\":[0,8]}"),
                Arguments.of(
                        "overlapping tensors",
                        bytes(
                                "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
                                        + "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
                                floats(1, 2)),
                        "overlap"));
    }

    private static Arguments broken(String what, String tensor) {
        return Arguments.of(what, bytes("{\"a\":" + tensor + "}", floats(1, 2)), "tensor 'a'");
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("brokenFiles")
    void brokenFileIsRefusedWithItsNameAndARemedy(String what, byte[] content, String complaint) throws IOException {
        Path file = Files.write(folder.resolve("broken.safetensors"), content);
        assertThatExceptionOfType(WeightsException.class)
                .as(what)
                .isThrownBy(() -> Safetensors.open(file))
                .withMessageContaining(file.toString())
                .withMessageContaining(complaint)
                .withMessageContaining("fetch it again");
    }

    @Test
    void missingFileIsRefusedWithItsName() {
        Path file = folder.resolve("nowhere.safetensors");
        assertThatExceptionOfType(WeightsException.class)
                .isThrownBy(() -> Safetensors.open(file))
                .withMessageContaining("there is no file " + file.toAbsolutePath());
    }

    @Test
    void directoryIsRefusedWithItsName() {
        assertThatExceptionOfType(WeightsException.class)
                .isThrownBy(() -> Safetensors.open(folder))
                .withMessageContaining(folder + " is a directory, expected a safetensors file");
    }

    @Test
    void oneTensorOfMoreThanTwoGibibytesIsRead() throws IOException {
        long numbers = 536_870_913;
        Path file = write(
                "{\"huge\":{\"dtype\":\"F32\",\"shape\":[" + numbers + "],\"data_offsets\":[0," + 4 * numbers + "]}}",
                new byte[0]);
        long start = Files.size(file);
        long[] places = {0, 268_435_455, 268_435_456, numbers - 1}; // both sides of the first GiB
        try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
            for (long place : places) {
                sparse.seek(start + 4 * place);
                sparse.write(floats(place + 0.5f));
            }
        }
        try (NDArray huge = Safetensors.open(file).readFloat32(OPS, MANAGER, "huge")) {
            assertThat(huge.getShape()).isEqualTo(new Shape(numbers));
            for (long place : places) {
                assertThat(huge.getFloat(place)).isEqualTo(place + 0.5f);
            }
        }
    }

    @Test
    void tensorsThatAreNotAlignedAreRead() throws IOException {
        String header = "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}, \"b\":"
                + "{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[8,8]}}";
        for (int spaces = 0; spaces < 4; spaces++) {
            Safetensors file = Safetensors.open(write(header + " ".repeat(spaces), floats(1.5f, -2)));
            assertThat(file.map(OPS, MANAGER, "a").toFloatArray()).containsExactly(1.5f, -2);
            assertThat(file.map(OPS, MANAGER, "b").toFloatArray()).isEmpty();
        }
    }

    @Test
    void aTypeThatIsNotReadIsListed() throws IOException {
        Path path = write("{\"a\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,8]}}", new byte[8]);
        Safetensors file = Safetensors.open(path);
        assertThat(file.shape("a")).isEqualTo(new Shape(1));
        assertThatExceptionOfType(WeightsException.class)
                .isThrownBy(() -> file.map(OPS, MANAGER, "a"))
                .withMessageContaining("tensor 'a' has type F64, expected F32, F16, BF16 or I64");
    }

    @Test
    void unknownTensorIsRefusedWithTheKnownOnes() throws IOException {
        Safetensors file = Safetensors.open(write(GOOD, floats(1, 2)));
        assertThatExceptionOfType(WeightsException.class)
                .isThrownBy(() -> file.map(OPS, MANAGER, "b"))
                .withMessageContaining("no tensor 'b'; it has [a]");
    }

    private Path write(String header, byte[] data) throws IOException {
        return Files.write(folder.resolve("hand.safetensors"), bytes(header, data));
    }

    private static byte[] bytes(String header, byte[] data) {
        byte[] json = header.getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(8 + json.length + data.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(json.length)
                .put(json)
                .put(data)
                .array();
    }

    private static byte[] floats(float... values) {
        ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        for (float value : values) {
            bytes.putFloat(value);
        }
        return bytes.array();
    }
}
