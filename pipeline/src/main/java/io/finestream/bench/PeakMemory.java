package io.finestream.bench;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.finestream.dit.DiTConfig;
import io.finestream.dit.DiTParameters;
import io.finestream.torch.TorchOps;
import io.finestream.tuning.TuningStrategy;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * The most memory that tuning holds, measured in a process of its own: what the operating system counts never falls.
 *
 * @param idleBytes resident in the process before it makes a network: the virtual machine and the engine
 * @param peakBytes most that was resident
 */
public record PeakMemory(long idleBytes, long peakBytes) {

    private static final int STEPS = 2; // in the second, gradients are there beside the activations
    private static final Path STATUS = Path.of("/proc/self/status");
    static final String RESULT = "memory ";

    /** What the network, its tuning and a batch's activations took. */
    public long bytes() {
        return peakBytes - idleBytes;
    }

    /** Tunes in a new process. */
    static PeakMemory measure(String size, int imageSize, int batch, TuningStrategy strategy, int threads)
            throws IOException {
        long[] numbers = resultOf(
                "tunes " + size + " by " + strategy,
                PeakMemory.class,
                List.of(
                        size,
                        String.valueOf(imageSize),
                        String.valueOf(batch),
                        strategy.name(),
                        String.valueOf(threads)));
        return new PeakMemory(numbers[0], numbers[1]);
    }

    /** The numbers that a program prints behind {@link #RESULT}, run in a process with a heap of 512 MB. */
    static long[] resultOf(String what, Class<?> program, List<String> arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx512m",
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("java.class.path"),
                program.getName()));
        command.addAll(arguments);
        Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        List<String> results =
                said.lines().filter(line -> line.startsWith(RESULT)).toList();
        if (results.isEmpty()) {
            throw new IOException("the process that " + what
                    + " ended without a result; is there memory for it? It said: " + said.strip());
        }
        return Arrays.stream(results.get(0).substring(RESULT.length()).split(" ", -1))
                .mapToLong(Long::parseLong)
                .toArray();
    }

    /** The process that is measured. */
    public static void main(String[] args) throws IOException {
        TorchOps.prepareThread(Integer.parseInt(args[4]), true);
        try (NDManager manager = TorchOps.newManager(Device.cpu())) {
            TorchOps ops = TorchOps.load(manager);
            long idle = kilobytes("VmRSS") * 1024;
            DiTConfig config = TunedNetwork.config(args[0], Integer.parseInt(args[1]));
            Map<String, NDArray> base = DiTParameters.initialise(manager, config);
            try (TunedNetwork network = new TunedNetwork(
                    ops, manager, config, base, TuningStrategy.valueOf(args[3]), Integer.parseInt(args[2]))) {
                base.forEach((name, array) -> {
                    if (network.tuned().contains(name)) {
                        array.close(); // the optimizer trains a copy
                    }
                });
                for (int step = 0; step < STEPS; step++) {
                    network.step();
                }
                System.out.println(RESULT + idle + " " + kilobytes("VmHWM") * 1024);
            }
        }
    }

    static long kilobytes(String field) throws IOException {
        return Files.readAllLines(STATUS).stream()
                .filter(line -> line.startsWith(field + ":"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                .findFirst()
                .orElseThrow(() -> new IOException(STATUS + " has no " + field + "; expected Linux's"));
    }
}
