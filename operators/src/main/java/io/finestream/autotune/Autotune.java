package io.finestream.autotune;

import ai.djl.Device;
import io.finestream.dit.ComputeType;
import io.finestream.dit.DiT;
import io.finestream.dit.DiTConfig;
import io.finestream.dit.Kernels;
import io.finestream.torch.TorchOps;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Measures, on one block of the network, what {@link ComputeSettings} leave open. One measurement at a time in a JVM. */
public final class Autotune {

    private static final Logger LOG = LoggerFactory.getLogger(Autotune.class);

    private static final int ROUNDS = 3;
    private static final int KERNEL_ROWS = 4;
    private static final int[] ROWS = {2, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128};
    private static final double NEAR_BEST = 0.95;
    private static final double LONGEST_STEP = 1; // seconds: checkpoints wait for a step
    private static final double WORTH_OTHER_TYPE = 1.3;
    private static final double WORTH_OTHER_KERNELS = 1.03;
    private static final double WORTH_MORE_SLOTS = 1.05;

    private Autotune() {}

    static int processors() {
        return Runtime.getRuntime().availableProcessors();
    }

    static synchronized ComputePlan plan(ComputeSettings settings, DiTConfig network, Device device, int threads) {
        MeasuredChoices choices = MeasuredChoices.of(network, device);
        try (LazyProbe probe = new LazyProbe(network, device)) {
            // with all processors, whatever the slots: it may change bits, and must not change when a job is rescaled
            ComputeType type = settings.type() != null
                    ? settings.type()
                    : choices.type(() -> probe.measure(processors(), Autotune::fastestType));
            Kernels kernels = settings.kernels() != null
                    ? settings.kernels()
                    : choices.kernels(type, () -> probe.measure(processors(), p -> fastestKernels(p, type, device)));
            int rows = settings.rows() > 0
                    ? settings.rows()
                    : choices.rows(
                            type,
                            kernels,
                            threads,
                            () -> probe.measure(threads, p -> enoughRows(p, type, kernels, network.depth())));
            return new ComputePlan(type, kernels, rows, threads);
        }
    }

    /**
     * How many slots use a machine's processors best, with the engine's threads divided among them.
     *
     * @return 1 or the number of processors
     */
    public static synchronized int slots(ComputePlan plan, DiTConfig network) {
        int all = processors();
        if (all == 1) {
            return 1;
        }
        MeasuredChoices choices = MeasuredChoices.of(network, Device.cpu());
        try (LazyProbe probe = new LazyProbe(network, Device.cpu())) {
            return choices.slots(
                    plan,
                    () -> probe.measure(all, p -> {
                        DiT block = p.block(plan.type(), plan.kernels()).orElseThrow();
                        double one = rate(p, block, plan.rows(), 1);
                        double many = rate(p, block, plan.rows(), all);
                        LOG.info("rows/s of a block: {} with one slot, {} with {}", one, many, all);
                        return many > WORTH_MORE_SLOTS * one ? all : 1;
                    }));
        }
    }

    private static ComputeType fastestType(Probe probe) {
        List<Timed<ComputeType>> types = best(List.of(ComputeType.FP32, ComputeType.BF16), probe::productSeconds);
        LOG.info("a product of matrices: {}", types);
        return types.get(0).seconds() > WORTH_OTHER_TYPE * types.get(1).seconds() ? ComputeType.BF16 : ComputeType.FP32;
    }

    private record Candidate(Kernels kernels, DiT block) {
        @Override
        public String toString() {
            return kernels.toString();
        }
    }

    private static Kernels fastestKernels(Probe probe, ComputeType type, Device device) {
        List<Candidate> candidates = new ArrayList<>();
        for (Kernels kernels : Kernels.ALL) { // the deterministic ones first
            if (kernels.packed() && device.isGpu()) {
                continue;
            }
            probe.block(type, kernels)
                    .filter(block -> kernels.equals(Kernels.DETERMINISTIC) || probe.isInvariant(block))
                    .ifPresent(block -> candidates.add(new Candidate(kernels, block)));
        }
        List<Timed<Candidate>> timed = best(candidates, candidate -> probe.seconds(candidate.block(), KERNEL_ROWS));
        LOG.info("a block with {} rows: {}", KERNEL_ROWS, timed);
        Timed<Candidate> fastest =
                timed.stream().min(Comparator.comparingDouble(Timed::seconds)).orElseThrow();
        return timed.get(0).seconds() > WORTH_OTHER_KERNELS * fastest.seconds()
                ? fastest.what().kernels()
                : Kernels.DETERMINISTIC;
    }

    private static int enoughRows(Probe probe, ComputeType type, Kernels kernels, int depth) {
        DiT block = probe.block(type, kernels)
                .orElseThrow(() -> new IllegalArgumentException("this processor has no kernels for " + type + " with "
                        + kernels + "; choose others, or leave the choice open"));
        List<Timed<Integer>> timed = new ArrayList<>();
        double best = 0; // rows per second
        int sinceBest = 0;
        for (int rows : ROWS) {
            double seconds = seconds(probe, block, rows);
            if (rows > ComputeSettings.MIN_ROWS && seconds * depth > LONGEST_STEP) {
                break;
            }
            timed.add(new Timed<>(rows, seconds));
            sinceBest = rows / seconds > best ? 0 : sinceBest + 1;
            best = Math.max(best, rows / seconds);
            if (sinceBest > 1) {
                break;
            }
        }
        LOG.info("a block by rows: {}", timed);
        double enough = NEAR_BEST * best;
        return timed.stream()
                .filter(rows -> rows.what() / rows.seconds() >= enough)
                .mapToInt(Timed::what)
                .findFirst()
                .orElseThrow();
    }

    /** Rows per second of all slots together. */
    private static double rate(Probe probe, DiT block, int rows, int slots) {
        ExecutorService pool = Executors.newFixedThreadPool(slots);
        try {
            List<Future<Double>> slotRates = new ArrayList<>();
            for (int slot = 0; slot < slots; slot++) {
                slotRates.add(pool.submit(() -> {
                    TorchOps.prepareThread(Math.max(1, processors() / slots), false);
                    return rows / seconds(probe, block, rows);
                }));
            }
            double sum = 0;
            for (Future<Double> slotRate : slotRates) {
                sum += slotRate.get();
            }
            return sum;
        } catch (ExecutionException e) {
            throw new IllegalStateException("a slot could not be measured", e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while measuring", e);
        } finally {
            pool.shutdownNow();
        }
    }

    private static double seconds(Probe probe, DiT block, int rows) {
        return best(List.of(rows), n -> probe.seconds(block, n)).get(0).seconds();
    }

    private record Timed<T>(T what, double seconds) {
        @Override
        public String toString() {
            return "%s %.2f ms".formatted(what, 1e3 * seconds);
        }
    }

    /** The shortest time of each, in turns: what else the machine does then hits all alike. */
    private static <T> List<Timed<T>> best(List<T> candidates, ToDoubleFunction<T> seconds) {
        double[] best = new double[candidates.size()];
        Arrays.fill(best, Double.POSITIVE_INFINITY);
        for (int round = 0; round < ROUNDS; round++) {
            for (int i = 0; i < best.length; i++) {
                best[i] = Math.min(best[i], seconds.applyAsDouble(candidates.get(i)));
            }
        }
        return IntStream.range(0, best.length)
                .mapToObj(i -> new Timed<>(candidates.get(i), best[i]))
                .toList();
    }
}
