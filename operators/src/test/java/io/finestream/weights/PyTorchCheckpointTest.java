package io.finestream.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.finestream.Golden;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class PyTorchCheckpointTest {

    private static final Golden GOLDEN = new Golden();
    private static final Path STATE_DICT = Golden.file("dit-state-dict.pt");
    private static final Path CHECKPOINT = Golden.file("finediffusion-checkpoint.pt");

    @TempDir
    Path folder;

    @AfterAll
    static void close() {
        GOLDEN.close();
    }

    @Test
    void stateDictionaryIsTheSameToTheBitAsSafetensors() throws IOException {
        assertSame(TensorFile.open(STATE_DICT), TensorFile.open(Golden.file("dit.safetensors")));
        assertThat(DiTWeights.in(TensorFile.open(STATE_DICT), Golden.CONFIG).readAll(GOLDEN.ops, GOLDEN.manager))
                .hasSameSizeAs(GOLDEN.weights());
    }

    @Test
    void theMovingAverageIsTakenOutOfACheckpoint() throws IOException {
        TensorFile checkpoint = TensorFile.open(CHECKPOINT);
        TensorFile expected = TensorFile.open(Golden.file("ema-expected.safetensors"));
        assertThat(checkpoint.names()).hasSize(42).containsAll(expected.names());
        for (String name : expected.names()) {
            assertThat(bits(checkpoint, name)).as(name).isEqualTo(bits(expected, name));
        }
    }

    @Test
    void theParametersOfTheLastStepAreTakenWhereTheyAreAskedFor() throws IOException {
        TensorFile model = TensorFile.open(CHECKPOINT, PyTorchCheckpoint.Part.MODEL);
        TensorFile ema = TensorFile.open(CHECKPOINT, PyTorchCheckpoint.Part.EMA);
        assertThat(model.names()).containsExactlyElementsOf(ema.names());
        assertThat(model.names())
                .anySatisfy(name -> assertThat(bits(model, name)).isNotEqualTo(bits(ema, name)));
        assertSame(model, TensorFile.open(STATE_DICT));
    }

    @Test
    void aCheckpointWithTheStateOfAdamWIsRead() throws IOException {
        Path file = Golden.file("adamw-checkpoint.pt");
        TensorFile model = TensorFile.open(file, PyTorchCheckpoint.Part.MODEL);
        TensorFile ema = TensorFile.open(file);
        assertThat(model.names())
                .containsExactly("fc.weight", "fc.bias", "norm.weight", "norm.bias", "out.weight", "out.bias");
        assertThat(ema.names()).containsExactlyElementsOf(model.names());
        assertThat(ema.shape("out.weight")).isEqualTo(new Shape(3, 5));
        assertThat(floats(model, "out.weight")).startsWith(-0.19527678f, 0.3755334f);
        assertThat(floats(ema, "out.weight")).startsWith(-0.21274316f, 0.39005113f);
        assertThat(floats(ema, "norm.bias")).startsWith(0.0022548193f, -0.0020406696f);
    }

    @Test
    void aPartThatIsMissingIsRefusedWithTheOnesThatAreThere() throws IOException {
        PickleBytes pickle = new PickleBytes().op("}").text("model").op("}").text("w");
        pickle.tensor("FloatStorage", "0", 1, 0, new long[] {1}, new long[] {1})
                .op("s")
                .op("s");
        pickle.text("opt").op("}").op("s").op(".");
        Path file = write(pickle, 1);
        assertThat(TensorFile.open(file, PyTorchCheckpoint.Part.MODEL).names()).containsExactly("w");
        assertThatExceptionOfType(WeightsException.class)
                .isThrownBy(() -> TensorFile.open(file))
                .withMessageContaining("no tensors in the part 'ema'")
                .withMessageContaining("its parts are [model, opt]");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "state_dict"})
    void aStateDictionaryIsReadAloneAndByItsName(String key) throws IOException {
        PickleBytes pickle = new PickleBytes().op(0x80, 2);
        if (!key.isEmpty()) {
            pickle.op("}").text(key);
        }
        pickle.global("collections", "OrderedDict").op(")R(").text("w");
        pickle.tensor("FloatStorage", "0", 4, 0, new long[] {2, 2}, new long[] {2, 1})
                .op("u");
        pickle.op("}").text("_metadata").op("}s").op("b"); // what a module's state_dict() has in addition
        pickle.op(key.isEmpty() ? "." : "s.");
        TensorFile file = TensorFile.open(write(pickle, 0, 1, 2, 3));
        assertThat(file.names()).containsExactly("w");
        assertThat(file.readFloat32(GOLDEN.ops, GOLDEN.manager, "w").toFloatArray())
                .containsExactly(0, 1, 2, 3);
    }

    @Test
    void protocolFourIsRead() throws IOException {
        PickleBytes pickle = new PickleBytes().op(0x80, 4, 0x95).raw(new byte[8]);
        pickle.op("}").op(0x94, 0x8c, 1, 'w', 0x94);
        pickle.op(0x8c, 12)
                .op("torch._utils")
                .op(0x8c, 18)
                .op("_rebuild_tensor_v2")
                .op(0x93, 0x94);
        pickle.op("((")
                .op(0x8c, 7)
                .op("storage")
                .op(0x8c, 5)
                .op("torch")
                .op(0x8c, 11)
                .op("HalfStorage");
        pickle.op(0x93)
                .op(0x8c, 1, '0', 0x8c, 3)
                .op("cpuK")
                .op(2)
                .op("tQK")
                .op(0)
                .op("K")
                .op(2)
                .op(0x85);
        pickle.op("K").op(1).op(0x85, 0x89).global("collections", "OrderedDict").op(")RtRs.");
        Path file = PickleBytes.zip(folder.resolve("four.pt"), pickle.bytes(), Map.of("0", new byte[] {0, 0x3e, 0, 0}));
        assertThat(TensorFile.open(file)
                        .readFloat32(GOLDEN.ops, GOLDEN.manager, "w")
                        .toFloatArray())
                .containsExactly(1.5f, 0);
    }

    @Test
    void tensorsShareAStorage() throws IOException {
        PickleBytes pickle = new PickleBytes().op("}(").text("all");
        pickle.tensor("FloatStorage", "0", 6, 0, new long[] {6}, new long[] {1}).text("part");
        pickle.tensor("FloatStorage", "0", 6, 3, new long[] {1, 2}, new long[] {7, 1})
                .text("scalar");
        pickle.tensor("FloatStorage", "0", 6, 5, new long[0], new long[0]).text("none");
        pickle.tensor("FloatStorage", "0", 6, 6, new long[] {0, 4}, new long[] {4, 1})
                .text("parameter");
        pickle.global("torch._utils", "_rebuild_parameter").op("(");
        pickle.tensor("FloatStorage", "0", 6, 1, new long[] {1}, new long[] {1})
                .op(0x88)
                .op(")tRu.");
        TensorFile file = TensorFile.open(write(pickle, 0, 1, 2, 3, 4, 5));
        assertThat(floats(file, "all")).containsExactly(0, 1, 2, 3, 4, 5);
        assertThat(floats(file, "part")).containsExactly(3, 4);
        assertThat(floats(file, "scalar")).containsExactly(5);
        assertThat(floats(file, "none")).isEmpty();
        assertThat(floats(file, "parameter")).containsExactly(1);
        assertThat(file.shape("scalar")).isEqualTo(new Shape());
        assertThat(file.shape("none")).isEqualTo(new Shape(0, 4));
    }

    @Test
    void everyTypeIsReadAsItIsOrRefusedWithItsName() throws IOException {
        PickleBytes pickle = new PickleBytes().op("}(").text("bf16");
        pickle.tensor("BFloat16Storage", "0", 4, 0, new long[] {4}, new long[] {1})
                .text("i64");
        pickle.tensor("LongStorage", "0", 1, 0, new long[] {1}, new long[] {1}).text("f64");
        pickle.tensor("DoubleStorage", "0", 1, 0, new long[] {1}, new long[] {1})
                .op("u.");
        byte[] storage = {(byte) 0xc0, 0x3f, 0, (byte) 0xc0, 0, 0, 0, 0};
        TensorFile file =
                TensorFile.open(PickleBytes.zip(folder.resolve("types.pt"), pickle.bytes(), Map.of("0", storage)));
        assertThat(floats(file, "bf16")).containsExactly(1.5f, -2, 0, 0);
        NDArray whole = file.map(GOLDEN.ops, GOLDEN.manager, "i64");
        assertThat(whole.getDataType()).isEqualTo(DataType.INT64);
        assertThat(whole.toLongArray()).containsExactly(0xc0003fc0L);
        assertThatExceptionOfType(WeightsException.class)
                .isThrownBy(() -> file.readFloat32(GOLDEN.ops, GOLDEN.manager, "f64"))
                .withMessageContaining("tensor 'f64' has type F64, expected F32, F16, BF16 or I64");
    }

    static Stream<Arguments> brokenTensors() {
        long max = Long.MAX_VALUE;
        return Stream.of(
                Arguments.of("beyond its storage", 4L, 0L, new long[] {5}, new long[] {1}, "larger than its storage"),
                Arguments.of("offset beyond", 4L, 1L, new long[] {4}, new long[] {1}, "larger than its storage"),
                Arguments.of("huge offset", 4L, max, new long[] {1}, new long[] {1}, "larger than its storage"),
                Arguments.of("offset that overflows", 4L, max / 4, new long[] {4}, new long[] {1}, "larger than"),
                Arguments.of("huge shape", 4L, 0L, new long[] {1L << 62, 4}, new long[] {4, 1}, "larger than"),
                Arguments.of("huge and empty", 4L, 0L, new long[] {0, 1L << 62}, new long[] {4, 1}, "larger than"),
                Arguments.of("beyond what it says", 3L, 0L, new long[] {4}, new long[] {1}, "storage of 12 bytes"),
                Arguments.of("more than the zip has", 5L, 0L, new long[] {5}, new long[] {1}, "larger than"),
                Arguments.of("negative side", 4L, 0L, new long[] {-4}, new long[] {1}, "not negative"),
                Arguments.of("negative offset", 4L, -1L, new long[] {4}, new long[] {1}, "not negative"),
                Arguments.of("many sides", 1L, 0L, new long[17], new long[17], "larger than"),
                Arguments.of("transposed", 4L, 0L, new long[] {2, 2}, new long[] {1, 2}, "call contiguous()"),
                Arguments.of("repeated", 4L, 0L, new long[] {2, 2}, new long[] {0, 1}, "call contiguous()"),
                Arguments.of("fewer strides", 4L, 0L, new long[] {2, 2}, new long[] {1}, "2 sides and 1 strides"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("brokenTensors")
    void aTensorThatDoesNotFitItsStorageIsRefused(
            String what, long elements, long offset, long[] shape, long[] strides, String complaint)
            throws IOException {
        PickleBytes pickle = new PickleBytes().op("}").text("w");
        pickle.tensor("FloatStorage", "0", elements, offset, shape, strides).op("s.");
        refused(write(pickle, 1, 2, 3, 4), complaint);
    }

    @Test
    void aStorageThatIsNotThereIsRefused() throws IOException {
        PickleBytes pickle = new PickleBytes().op("}").text("w");
        pickle.tensor("FloatStorage", "../../etc/passwd", 1, 0, new long[] {1}, new long[] {1})
                .op("s.");
        refused(write(pickle, 1), "the storage '../../etc/passwd', which is not there");
    }

    static Stream<Arguments> maliciousPickles() {
        String touch = "touch /tmp/finestream-was-here";
        return Stream.of(
                Arguments.of(
                        "REDUCE",
                        new PickleBytes()
                                .global("os", "system")
                                .op("(")
                                .text(touch)
                                .op("tR."),
                        "'os.system'"),
                Arguments.of(
                        "protocol 0",
                        new PickleBytes().op("cposix\nsystem\np0\n(V" + touch + "\np1\ntp2\nRp3\n."),
                        "'posix.system'"),
                Arguments.of("nt", new PickleBytes().op("cnt\nsystem\n(S'" + touch + "'\ntR."), "'nt.system'"),
                Arguments.of(
                        "builtins",
                        new PickleBytes()
                                .global("builtins", "eval")
                                .op("(")
                                .text("1")
                                .op("tR."),
                        "'builtins.eval'"),
                Arguments.of(
                        "python 2",
                        new PickleBytes()
                                .global("__builtin__", "exec")
                                .op("(")
                                .text("1")
                                .op("tR."),
                        "'__builtin__.exec'"),
                Arguments.of(
                        "STACK_GLOBAL",
                        new PickleBytes()
                                .op(0x80, 4, 0x8c, 2)
                                .op("os")
                                .op(0x8c, 6)
                                .op("system")
                                .op(0x93)
                                .op("."),
                        "'os.system'"),
                Arguments.of("INST", new PickleBytes().op("(").text(touch).op("ios\nsystem\n."), "'os.system'"),
                Arguments.of(
                        "OBJ",
                        new PickleBytes()
                                .op("(")
                                .global("os", "system")
                                .text(touch)
                                .op("o."),
                        "'os.system'"),
                Arguments.of(
                        "NEWOBJ",
                        new PickleBytes()
                                .global("subprocess", "Popen")
                                .op("(")
                                .text(touch)
                                .op("t")
                                .op(0x81)
                                .op("."),
                        "'subprocess.Popen'"),
                Arguments.of(
                        "NEWOBJ_EX",
                        new PickleBytes()
                                .global("subprocess", "Popen")
                                .op(")}")
                                .op(0x92)
                                .op("."),
                        "'subprocess.Popen'"),
                Arguments.of("EXT1", new PickleBytes().op(0x82, 1).op(")R."), "extension registry"),
                Arguments.of("EXT2", new PickleBytes().op(0x83, 1, 0).op(")R."), "extension registry"),
                Arguments.of("EXT4", new PickleBytes().op(0x84, 1, 0, 0, 0).op(")R."), "extension registry"),
                Arguments.of(
                        "a file",
                        new PickleBytes()
                                .global("io", "open")
                                .op("(")
                                .text("/tmp/x")
                                .text("w")
                                .op("tR."),
                        "'io.open'"),
                Arguments.of(
                        "codecs", new PickleBytes().global("_codecs", "encode").op("."), "'_codecs.encode'"),
                Arguments.of(
                        "decimal",
                        new PickleBytes().global("decimal", "Decimal").op("."),
                        "'decimal.Decimal'"),
                Arguments.of(
                        "datetime",
                        new PickleBytes().global("datetime", "datetime").op("."),
                        "'datetime.datetime'"),
                Arguments.of(
                        "operator",
                        new PickleBytes().global("operator", "attrgetter").op("."),
                        "'operator.attrgetter'"),
                Arguments.of(
                        "copyreg",
                        new PickleBytes().global("copy_reg", "_reconstructor").op("."),
                        "'copy_reg._reconstructor'"),
                Arguments.of(
                        "a pickle in bytes",
                        new PickleBytes()
                                .global("torch.storage", "_load_from_bytes")
                                .op("."),
                        "'torch.storage._load_from_bytes'"),
                Arguments.of(
                        "a path through a known name",
                        new PickleBytes().global("torch", "Size.__init__").op("."),
                        "'torch.Size.__init__'"),
                Arguments.of(
                        "a name of no module",
                        new PickleBytes().global("", "system").op("."),
                        "'.system'"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("maliciousPickles")
    void aNameThatCouldRunAProgramIsRefusedAndNothingRuns(String what, PickleBytes pickle, String named)
            throws IOException {
        refused(write(pickle, 1), named);
        assertThat(Path.of("/tmp/finestream-was-here")).doesNotExist();
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files).hasSize(1);
        }
    }

    @Test
    void aProgramHiddenAmongTensorsIsRefused() throws IOException {
        PickleBytes pickle = new PickleBytes().op("}(").text("w");
        pickle.tensor("FloatStorage", "0", 1, 0, new long[] {1}, new long[] {1}).text("opt");
        pickle.global("os", "system").op("(").text("true").op("tRu.");
        refused(write(pickle, 1), "names 'os.system'");
    }

    static Stream<Arguments> oddPickles() {
        PickleBytes nested = new PickleBytes();
        for (int i = 0; i < 100_000; i++) {
            nested.op("]");
        }
        for (int i = 1; i < 100_000; i++) {
            nested.op("a");
        }
        PickleBytes doubled = new PickleBytes().op(")"); // as a key, its hash would take 2^60 steps
        for (int i = 0; i < 60; i++) {
            doubled.op("q").op(0).op("h").op(0).op(0x86);
        }
        byte[] list = new PickleBytes().op("]q").op(0).op("h").op(0).op("a").bytes();
        return Stream.of(
                Arguments.of("empty", new PickleBytes(), "ends in the middle"),
                Arguments.of("nothing", new PickleBytes().op("."), "takes 1 values where there are 0"),
                Arguments.of("a giant text", new PickleBytes().op("X").int32(-1).op("x."), "ends in the middle"),
                Arguments.of("giant bytes", new PickleBytes().op("B").int32(-1).op("x."), "operation 0x42"),
                Arguments.of(
                        "giant bytes of 8",
                        new PickleBytes().op(0x8e).raw(new byte[8]).op("."),
                        "operation 0x8e"),
                Arguments.of("a giant number", new PickleBytes().op(0x8b).int32(Integer.MAX_VALUE), "operation 0x8b"),
                Arguments.of("a line without end", new PickleBytes().op("cos"), "ends in the middle"),
                Arguments.of("nested without end", nested.op("."), "expected a dictionary of tensors"),
                Arguments.of(
                        "exponential key",
                        new PickleBytes().op("}").raw(doubled.bytes()).op("Ns."),
                        "a key of a dictionary"),
                Arguments.of(
                        "a list in itself as key",
                        new PickleBytes().op("}").raw(list).op("Ns."),
                        "a key of a dictionary"),
                Arguments.of(
                        "a dictionary in itself",
                        new PickleBytes().op("}q").op(0).text("a").op("h").op(0).op("s."),
                        "its parts are [a]"),
                Arguments.of("no mark", new PickleBytes().op("t."), "a mark that is not there"),
                Arguments.of("unknown memo", new PickleBytes().op("h").op(7).op("."), "goes back to value 7"),
                Arguments.of(
                        "one key too many", new PickleBytes().op("}(").text("a").op("u."), "puts 1 keys and values"),
                Arguments.of(
                        "append to a number", new PickleBytes().op("K").op(1).op("Na."), "appends to 1"),
                Arguments.of("state of a tuple", new PickleBytes().op(")}b."), "sets the state of"),
                Arguments.of(
                        "a storage that is called",
                        new PickleBytes().global("torch", "FloatStorage").op(")R."),
                        "calls torch.FloatStorage"),
                Arguments.of("a call of text", new PickleBytes().text("x").op(")R."), "it calls a String"),
                Arguments.of(
                        "a tensor of nothing",
                        new PickleBytes()
                                .global("torch._utils", "_rebuild_tensor_v2")
                                .op(")R."),
                        "where more are needed"),
                Arguments.of("protocol 9", new PickleBytes().op(0x80, 9).op("N."), "protocol 9"),
                Arguments.of("None", new PickleBytes().op("N."), "holds NONE, expected a dictionary"),
                Arguments.of(
                        "numbers",
                        new PickleBytes().op("}K").op(1).op("K").op(2).op("s."),
                        "no tensors that have names; its parts are [1]"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("oddPickles")
    void aPickleOfSomethingElseIsRefused(String what, PickleBytes pickle, String complaint) throws IOException {
        refused(write(pickle, 1), complaint);
    }

    @Test
    void aPickleThatWouldFillTheMemoryIsRefused() throws IOException {
        byte[] dictionaries = new byte[8 << 20];
        Arrays.fill(dictionaries, (byte) '}');
        refused(PickleBytes.zip(folder.resolve("hand.pt"), dictionaries, Map.of()), "more than 2000000 operations");
        refused(
                PickleBytes.zip(folder.resolve("hand.pt"), new byte[(32 << 20) + 1], Map.of()),
                "hand/data.pkl has 33554433 bytes, expected at most 33554432");
    }

    @Test
    void theFormatBeforeZipIsRefusedWithARemedy() throws IOException {
        byte[] old = new PickleBytes()
                .op(0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, '.')
                .bytes();
        refused(Files.write(folder.resolve("old.pt"), old), "save it again with torch.save");
    }

    @Test
    void otherZipsAreRefusedWithWhatTheyAre() throws IOException {
        byte[] some = {1};
        Path file = folder.resolve("other.pt");
        refused(PickleBytes.zip(file, Map.of("a/data.pkl", some, "a/code/x.py", some)), "is a TorchScript archive");
        refused(PickleBytes.zip(file, Map.of("a/data.pkl", some, "a/constants.pkl", some)), "is a TorchScript archive");
        refused(PickleBytes.zip(file, Map.of("readme.txt", some)), "is a zip with 0 entries NAME/data.pkl");
        refused(PickleBytes.zip(file, Map.of("a/data.pkl", some, "b/data.pkl", some)), "is a zip with 2 entries");
        byte[] big = "big".getBytes(StandardCharsets.US_ASCII);
        refused(PickleBytes.zip(file, Map.of("a/data.pkl", some, "a/byteorder", big)), "byte order 'big'");
        try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
            zip.putNextEntry(new ZipEntry("a/data.pkl"));
            zip.write(new byte[100]);
        }
        refused(file, "a/data.pkl is compressed");
    }

    @Test
    void aZipThatIsCutShortOrDamagedIsRefused() throws IOException {
        byte[] whole = Files.readAllBytes(STATE_DICT);
        Path file = folder.resolve("cut.pt");
        for (int length : IntStream.of(4, 30, 100, 5_000, whole.length / 2, whole.length - 1)
                .toArray()) {
            refused(Files.write(file, Arrays.copyOf(whole, length)), "fetch it again");
        }
        PickleBytes pickle = new PickleBytes().op("}").text("w");
        pickle.tensor("FloatStorage", "0", 1, 0, new long[] {1}, new long[] {1}).op("s.");
        byte[] small = Files.readAllBytes(write(pickle, 1));
        int end = small.length - 22; // the end of the directory: magic, disks, entries, size, position
        for (int at : new int[] {0, end, end + 16, end + 18}) {
            byte[] flipped = small.clone();
            flipped[at] ^= 0x40;
            refused(Files.write(file, flipped), "fetch it again");
        }
    }

    private static void refused(Path file, String complaint) {
        assertThatExceptionOfType(WeightsException.class)
                .isThrownBy(() -> TensorFile.open(file))
                .withMessageStartingWith(file.toString())
                .withMessageContaining(complaint);
    }

    private static void assertSame(TensorFile actual, TensorFile expected) throws IOException {
        assertThat(actual.names()).containsExactlyInAnyOrderElementsOf(expected.names());
        for (String name : expected.names()) {
            assertThat(actual.shape(name)).as(name).isEqualTo(expected.shape(name));
            assertThat(bits(actual, name)).as(name).isEqualTo(bits(expected, name));
        }
    }

    private static ByteBuffer bits(TensorFile file, String name) throws IOException {
        try (NDArray tensor = file.map(GOLDEN.ops, GOLDEN.manager, name)) {
            return tensor.toByteBuffer();
        }
    }

    private static float[] floats(TensorFile file, String name) throws IOException {
        return file.readFloat32(GOLDEN.ops, GOLDEN.manager, name).toFloatArray();
    }

    private Path write(PickleBytes pickle, float... storage) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(4 * storage.length).order(ByteOrder.LITTLE_ENDIAN);
        for (float value : storage) {
            bytes.putFloat(value);
        }
        Map<String, byte[]> storages = new LinkedHashMap<>();
        storages.put("0", bytes.array());
        return PickleBytes.zip(folder.resolve("hand.pt"), pickle.bytes(), storages);
    }
}
