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
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.apache.commons.compress.archivers.zip.ZipArchiveEntry;
import org.apache.commons.compress.archivers.zip.ZipFile;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Damaged files, at random: each is refused with an error of its own, or every tensor of it can be read. */
class TensorFileFuzzTest {

    private static final Golden GOLDEN = new Golden();
    private static final int FILES = 1000;
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
        Map<String, byte[]> entries = new LinkedHashMap<>();
        try (ZipFile zip = ZipFile.builder()
                .setPath(Golden.file("finediffusion-checkpoint.pt"))
                .get()) {
            for (ZipArchiveEntry entry : (Iterable<ZipArchiveEntry>) zip.getEntries()::asIterator) {
                entries.put(entry.getName(), zip.getInputStream(entry).readAllBytes());
            }
        }
        String pickle = "finediffusion-checkpoint/data.pkl";
        byte[] whole = entries.get(pickle);
        Random random = new Random(3);
        for (int i = 0; i < FILES; i++) {
            entries.put(pickle, damage(random, whole, whole.length));
            open("pickle " + i, PickleBytes.zip(folder.resolve("damaged"), entries));
        }
        report("pickles");
    }

    @Test
    void damagedZips() throws IOException {
        byte[] whole = Files.readAllBytes(Golden.file("dit-state-dict.pt"));
        int pickleAndItsHeader = 4_000;
        int directory = 4_000;
        Random random = new Random(4);
        for (int i = 0; i < FILES; i++) {
            byte[] damaged = whole;
            switch (i % 4) {
                case 0 -> damaged = damage(random, whole, pickleAndItsHeader);
                case 1 -> damaged = damage(random, whole, whole.length);
                case 2 -> damaged = damageAt(random, whole, whole.length - directory, directory);
                default -> damaged = damageAt(random, whole, whole.length - 120, 120); // where the directory ends
            }
            open("zip " + i, Files.write(folder.resolve("damaged"), damaged));
        }
        report("zips");
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
