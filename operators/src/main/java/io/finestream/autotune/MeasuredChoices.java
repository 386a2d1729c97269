package io.finestream.autotune;

import ai.djl.Device;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.finestream.dit.ComputeType;
import io.finestream.dit.DiTConfig;
import io.finestream.dit.Kernels;
import io.finestream.torch.TorchOps;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What has been measured on this machine, in a file of JSON: {@code finestream/autotune.json} in the user's cache folder,
 * or in the folder that the environment variable {@code FINESTREAM_CACHE} names. Whoever wants another measurement
 * removes it. Where it can not be written, each JVM measures for itself.
 */
final class MeasuredChoices {

    private static final Logger LOG = LoggerFactory.getLogger(MeasuredChoices.class);
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Path CPU_INFO = Path.of("/proc/cpuinfo");
    private static final Map<String, String> MEASURED = new TreeMap<>(); // by all of this JVM; guarded by Autotune

    private final Path file;
    private final String subject;

    /** @param subject machine and network */
    MeasuredChoices(Path file, String subject) {
        this.file = file;
        this.subject = subject;
    }

    static MeasuredChoices of(DiTConfig network, Device device) {
        String size = "%d tokens, width %d, depth %d, %d heads"
                .formatted(network.tokens(), network.hiddenSize(), network.depth(), network.numHeads());
        return new MeasuredChoices(
                file(),
                processor() + ", " + Autotune.processors() + " processors, " + device.getDeviceType() + ", engine "
                        + TorchOps.engineVersion() + "; " + size);
    }

    ComputeType type(Supplier<ComputeType> measurement) {
        return ComputeType.valueOf(choice("arithmetic", () -> measurement.get().name()));
    }

    Kernels kernels(ComputeType type, Supplier<Kernels> measurement) {
        return Kernels.parse(choice(type + " kernels", () -> measurement.get().name()));
    }

    int rows(ComputeType type, Kernels kernels, int threads, Supplier<Integer> measurement) {
        return Integer.parseInt(choice(
                "rows of " + type + " " + kernels.name() + " with threads " + threads,
                () -> String.valueOf(measurement.get())));
    }

    int slots(ComputePlan plan, Supplier<Integer> measurement) {
        return Integer.parseInt(choice(
                "slots of " + plan.type() + " " + plan.kernels().name(), () -> String.valueOf(measurement.get())));
    }

    private String choice(String what, Supplier<String> measurement) {
        String key = subject + ": " + what;
        String known = MEASURED.get(file + key);
        if (known == null) {
            known = read().get(key);
        }
        if (known == null) {
            known = measurement.get();
            keep(key, known);
        }
        MEASURED.put(file + key, known);
        return known;
    }

    private Map<String, String> read() {
        try {
            return Files.exists(file)
                    ? JSON.readValue(Files.readAllBytes(file), new TypeReference<TreeMap<String, String>>() {})
                    : new TreeMap<>();
        } catch (IOException e) {
            LOG.warn("{} can not be read, this machine is measured again: {}", file, e.toString());
            return new TreeMap<>();
        }
    }

    private void keep(String key, String choice) {
        try {
            Map<String, String> all = read();
            all.put(key, choice);
            Files.createDirectories(Objects.requireNonNull(file.getParent()));
            Path written = Files.createTempFile(file.getParent(), "autotune", null);
            Files.write(written, JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(all));
            Files.move(written, file, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            LOG.warn(
                    "{} can not be written, each start measures this machine again; set FINESTREAM_CACHE to a folder"
                            + " that can be written: {}",
                    file,
                    e.toString());
        }
    }

    private static Path file() {
        String folder = System.getenv("FINESTREAM_CACHE");
        return (folder != null ? Path.of(folder) : Path.of(System.getProperty("user.home"), ".cache", "finestream"))
                .resolve("autotune.json")
                .toAbsolutePath();
    }

    private static String processor() {
        try (var lines = Files.lines(CPU_INFO)) {
            return lines.filter(line -> line.startsWith("model name"))
                    .map(line -> line.substring(line.indexOf(':') + 1).strip())
                    .findFirst()
                    .orElseGet(() -> System.getProperty("os.arch"));
        } catch (IOException e) {
            return System.getProperty("os.arch"); // not Linux
        }
    }
}
