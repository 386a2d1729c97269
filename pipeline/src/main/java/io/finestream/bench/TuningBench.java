package io.finestream.bench;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import com.sun.management.OperatingSystemMXBean;
import io.finestream.dit.DiTConfig;
import io.finestream.dit.DiTParameters;
import io.finestream.torch.TorchOps;
import io.finestream.tuning.TuningStrategy;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.LongConsumer;

/**
 * Time and memory of an optimizer step by strategy, on the CPU.
 *
 * @param imageSize pixels; the latents have an eighth of it
 * @param batch rows of a step
 * @param steps that are timed, of each strategy
 * @param threads of the engine
 */
public record TuningBench(int imageSize, int batch, int steps, int threads) {

    private static final OperatingSystemMXBean PROCESS =
            ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);

    /**
     * What one strategy takes at one size.
     *
     * @param parameters numbers of the network, gammas not counted
     * @param tuned numbers that are tuned
     * @param stepMillis median of the time that passed
     * @param cpuMillis median of the processors' time, which other programs on the machine change less
     */
    public record Result(
            String size,
            TuningStrategy strategy,
            long parameters,
            long tuned,
            double stepMillis,
            double cpuMillis,
            PeakMemory memory) {}

    /** Steps and processes that {@link #run} takes for one size. */
    public long work() {
        return TuningStrategy.values().length * (steps + 2L);
    }

    /**
     * Measures every strategy on a network of one published size. Their steps take turns, so that whatever else the
     * machine does slows them alike.
     *
     * @param done told of every step and process
     */
    public List<Result> run(String size, LongConsumer done) throws IOException {
        DiTConfig config = TunedNetwork.config(size, imageSize);
        TorchOps.prepareThread(threads, true);
        List<Result> results = new ArrayList<>();
        TuningStrategy[] strategies = TuningStrategy.values();
        double[][] millis = new double[strategies.length][steps];
        double[][] cpuMillis = new double[strategies.length][steps];
        long[] tuned = new long[strategies.length];
        try (NDManager manager = TorchOps.newManager(Device.cpu())) {
            TorchOps ops = TorchOps.load(manager);
            Map<String, NDArray> base = DiTParameters.initialise(manager, config);
            List<TunedNetwork> networks = new ArrayList<>();
            for (int i = 0; i < strategies.length; i++) {
                networks.add(new TunedNetwork(ops, manager, config, base, strategies[i], batch));
                tuned[i] = networks.get(i).tunedNumbers();
                networks.get(i).step(); // warms up
                done.accept(1);
            }
            for (int step = 0; step < steps; step++) {
                for (int i = 0; i < strategies.length; i++) {
                    long start = System.nanoTime();
                    long cpuStart = PROCESS.getProcessCpuTime();
                    networks.get(i).step();
                    cpuMillis[i][step] = (PROCESS.getProcessCpuTime() - cpuStart) / 1e6;
                    millis[i][step] = (System.nanoTime() - start) / 1e6;
                    done.accept(1);
                }
            }
        }
        long parameters = DiTParameters.shapes(config).values().stream()
                .mapToLong(shape -> shape.size())
                .sum();
        for (int i = 0; i < strategies.length; i++) {
            PeakMemory memory = PeakMemory.measure(size, imageSize, batch, strategies[i], threads);
            results.add(new Result(
                    size, strategies[i], parameters, tuned[i], median(millis[i]), median(cpuMillis[i]), memory));
            done.accept(1);
        }
        return results;
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        int middle = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
