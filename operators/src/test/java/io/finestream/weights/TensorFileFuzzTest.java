package io.finestream.weights;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.finestream.Golden;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Damaged files, at random: each is refused with an error of its own, or every tensor of it can be read. */
class TensorFileFuzzTest {

    private static final Golden GOLDEN = new Golden();
    private static final int FILES = 1000;
    private static final Map<String, byte[]> STORAGES = Map.of("0", new byte[32], "1", new byte[32]);
    private static final Duration LONGEST = Duration.ofSeconds(5); // one file

    @TempDir
    Path folder;

    @AfterAll
    static void close() {
        GOLDEN.close();
    }

    private int read;
    private int refused;

    @Test
    void damagedHeadersOfSafetensors() throws IOException {
        byte[] whole = Files.readAllBytes(Golden.file("ema-expected.safetensors"));
        int header =
                8 + (int) ByteBuffer.wrap(whole).order(ByteOrder.LITTLE_ENDIAN).getLong();
        Random random = new Random(1);
        for (int i = 0; i < FILES; i++) {
            byte[] damaged = damage(random, whole, i % 10 == 0 ? 8 : header);
            open("safetensors " + i, Files.write(folder.resolve("damaged"), damaged));
        }
        report("headers");
    }

    @Test
    void damagedNumbersInHeadersOfSafetensors() throws IOException {
        byte[] whole = Files.readAllBytes(Golden.file("ema-expected.safetensors"));
        int length = (int) ByteBuffer.wrap(whole).order(ByteOrder.LITTLE_ENDIAN).getLong();
        String header = new String(whole, 8, length, StandardCharsets.UTF_8);
        String[] numbers = {
            "0", "1", "3", "-1", "2.5", "1e3", "null", "\"\"", "[]", "{}", "9223372036854775807", "18446744073709551616"
        };
        String[] types = {"F32", "F16", "BF16", "I64", "F64", "U8", "BOOL", "F8_E4M3"};
        Random random = new Random(2);
        for (int i = 0; i < FILES; i++) {
            String changed = header;
            if (i % 2 == 0) {
                changed = changed.replaceFirst("F32", types[random.nextInt(types.length)]);
            }
            int at = random.nextInt(changed.length());
            String number = numbers[random.nextInt(numbers.length)];
            changed = changed.substring(0, at) + changed.substring(at).replaceFirst("\\d+", number);
            byte[] json = changed.getBytes(StandardCharsets.UTF_8);
            ByteBuffer file = ByteBuffer.allocate(8 + json.length + whole.length - 8 - length)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putLong(json.length)
                    .put(json)
                    .put(whole, 8 + length, whole.length - 8 - length);
            open("numbers " + i, Files.write(folder.resolve("damaged"), file.array()));
        }
        report("numbers in headers");
    }

    @Test
    void damagedPickles() throws IOException {
        byte[] whole = checkpoint();
        Random random = new Random(3);
        for (int i = 0; i < FILES; i++) {
            open(
                    "pickle " + i,
                    PickleBytes.zip(folder.resolve("damaged"), damage(random, whole, whole.length), STORAGES));
        }
        report("pickles");
    }

    @Test
    void damagedZips() throws IOException {
        Path file = PickleBytes.zip(folder.resolve("whole"), checkpoint(), STORAGES);
        byte[] whole = Files.readAllBytes(file);
        int directory = 6 * 60;
        Random random = new Random(4);
        for (int i = 0; i < FILES; i++) {
            byte[] damaged = switch (i % 3) {
                case 0 -> damage(random, whole, whole.length);
                case 1 -> damageAt(random, whole, whole.length - directory, directory);
                default -> damageAt(random, whole, whole.length - 22, 22); // where the directory ends
            };
            open("zip " + i, Files.write(folder.resolve("damaged"), damaged));
        }
        report("zips");
    }

    @Test
    void damagedZipsOfTorch() throws IOException {
        byte[] whole = Files.readAllBytes(Golden.file("dit-state-dict.pt"));
        int directory = 4_000;
        Random random = new Random(5);
        for (int i = 0; i < FILES / 25; i++) {
            byte[] damaged = i % 2 == 0
                    ? damage(random, whole, 4_000) // the pickle, and what is before it
                    : damageAt(random, whole, whole.length - directory, directory);
            open("zip " + i, Files.write(folder.resolve("damaged"), damaged));
        }
        assertThat(read + refused).isEqualTo(FILES / 25);
    }

    /** A training checkpoint with everything that the reader knows. */
    private static byte[] checkpoint() {
        PickleBytes pickle = new PickleBytes().op(0x80, 2).op("}(");
        for (String part : List.of("model", "ema")) {
            pickle.text(part).global("collections", "OrderedDict").op(")R(").text("float");
            pickle.tensor("FloatStorage", "0", 8, 2, new long[] {2, 3}, new long[] {3, 1})
                    .text("half");
            pickle.tensor("HalfStorage", "1", 16, 0, new long[] {16}, new long[] {1})
                    .text("bfloat16");
            pickle.tensor("BFloat16Storage", "1", 16, 8, new long[] {1, 8}, new long[] {8, 1})
                    .text("parameter");
            pickle.global("torch._utils", "_rebuild_parameter").op("(");
            pickle.tensor("LongStorage", "0", 4, 3, new long[0], new long[0])
                    .op(0x89)
                    .op(")tRu");
            pickle.op("}").text("_metadata").op("}sb");
        }
        pickle.text("opt").op("}(").text("state").op("}K").op(0).op("}").text("step");
        pickle.tensor("FloatStorage", "0", 8, 0, new long[0], new long[0])
                .op("ss")
                .text("param_groups")
                .op("](}(");
        pickle.text("lr")
                .op("G")
                .op(0x3f, 0x1a, 0x36, 0xe2, 0xeb, 0x1c, 0x43, 0x2d)
                .text("betas")
                .op("NN")
                .op(0x86);
        pickle.text("params").op("](K").op(0).op("M").op(1, 2).op("J").int32(-3).op("eueu");
        pickle.text("args")
                .global("argparse", "Namespace")
                .op(")")
                .op(0x81)
                .op("}q")
                .op(1)
                .op("(")
                .text("ckpt")
                .op("N");
        pickle.text("size").global("torch", "Size").op("K").op(3).op(0x85, 0x85).op("Rubu.");
        return pickle.bytes();
    }

    /** One of what goes wrong with files, in the first {@code length} bytes. */
    private static byte[] damage(Random random, byte[] whole, int length) {
        return damageAt(random, whole, 0, length);
    }

    private static byte[] damageAt(Random random, byte[] whole, int from, int length) {
        byte[] damaged = whole.clone();
        int at = from + random.nextInt(length);
        switch (random.nextInt(7)) {
            case 0 -> damaged[at] ^= (byte) (1 << random.nextInt(8));
            case 1 -> damaged[at] = (byte) random.nextInt(256);
            case 2 -> damaged[at] = (byte) (random.nextBoolean() ? 0 : -1);
            case 3 -> {
                for (int i = at; i < Math.min(at + 8, from + length); i++) {
                    damaged[i] = (byte) random.nextInt(256);
                }
            }
            case 4 -> damaged = Arrays.copyOf(damaged, at);
            case 5 -> { // a part twice
                int part = Math.min(1 + random.nextInt(64), from + length - at);
                byte[] longer = Arrays.copyOf(damaged, damaged.length + part);
                System.arraycopy(damaged, at, longer, at + part, damaged.length - at);
                damaged = longer;
            }
            default -> { // a part elsewhere
                int to = from + random.nextInt(length);
                int part = Math.min(1 + random.nextInt(64), from + length - Math.max(at, to));
                System.arraycopy(whole, at, damaged, to, part);
            }
        }
        return damaged;
    }

    private void open(String what, Path file) {
        Assertions.assertTimeout(LONGEST, () -> {
            try (NDManager m = GOLDEN.manager.newSubManager()) {
                TensorFile opened = TensorFile.open(file);
                for (String name : opened.names()) {
                    NDArray tensor = opened.readFloat32(GOLDEN.ops, m, name);
                    assertThat(tensor.getShape()).as(name).isEqualTo(opened.shape(name));
                    assertThat(tensor.toFloatArray()).hasSize((int) tensor.size());
                }
                read++;
            } catch (WeightsException e) {
                assertThat(e.getMessage()).hasSizeLessThan(5_000);
                refused++;
            } catch (Throwable e) {
                throw new AssertionError(what + ", expected a WeightsException", e);
            }
        });
    }

    private void report(String what) {
        System.out.printf("damaged %s: %d read, %d refused%n", what, read, refused);
        assertThat(read).isPositive();
        assertThat(refused).isPositive();
        assertThat(read + refused).isEqualTo(FILES);
    }
}
