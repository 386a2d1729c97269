package io.finestream.bench;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.finestream.diffusion.DenoiseBatch;
import io.finestream.diffusion.DiffusionModel;
import io.finestream.diffusion.Guidance;
import io.finestream.diffusion.Noise;
import io.finestream.diffusion.NoiseSchedule;
import io.finestream.diffusion.SampleSpec;
import io.finestream.diffusion.Sampler;
import io.finestream.dit.ComputeType;
import io.finestream.dit.DiTConfig;
import io.finestream.dit.DiTParameters;
import io.finestream.torch.TorchOps;
import io.finestream.weights.GenerativeModel;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;

/**
 * What a step of the batch costs as work grows.
 *
 * @param type arithmetic of the model
 * @param threads of the engine
 * @param steps that are timed of each size; they take turns, and the median counts
 */
public record ScaleBench(GenerativeModel model, ComputeType type, int threads, int steps) {

    /** Most steps: trajectories must not end while they are timed. */
    public static final int MOST_STEPS = NoiseSchedule.DIT.timesteps() / 2;

    /** @param rowsPerSecond of steps with so many rows */
    public record OfRows(int rows, double stepSeconds, double rowsPerSecond) {}

    /** @param tableBytes of the subclasses' label table */
    public record OfClasses(int classes, long tableBytes, double stepSeconds, double rowsPerSecond) {}

    /** @param rowsPerSecond of all slots together, each with its share of the threads */
    public record OfSlots(int slots, int threadsEach, double rowsPerSecond) {}

    /** @param done told of every step */
    public List<OfRows> rows(List<Integer> counts, IntConsumer done) {
        try (NDManager manager = model.newManager()) {
            List<DenoiseBatch<Integer>> batches = counts.stream()
                    .map(rows -> endless(model.diffusion(), manager, rows))
                    .toList();
            double[] seconds = medianSeconds(batches, done);
            return IntStream.range(0, counts.size())
                    .mapToObj(i -> new OfRows(counts.get(i), seconds[i], counts.get(i) / seconds[i]))
                    .toList();
        }
    }

    /**
     * The network with label tables of other sizes, whose rows are random.
     *
     * @param rows of every step
     * @param done told of every step
     */
    public List<OfClasses> classes(List<Integer> counts, int rows, IntConsumer done) {
        DiTConfig config = model.config().dit();
        TorchOps ops = model.diffusion().ops();
        try (NDManager manager = model.newManager()) {
            Map<String, NDArray> weights = DiTParameters.castForInference(ops, manager, model.parameters(), type);
            List<DenoiseBatch<Integer>> batches = new ArrayList<>();
            for (int classes : counts) {
                DiTConfig other = config.withLabels(classes, config.superclasses(), config.nullLabel());
                Map<String, NDArray> all = new LinkedHashMap<>(weights);
                all.put(
                        DiTParameters.SUBCLASS_TABLE,
                        manager.randomNormal(new Shape(classes, config.hiddenSize()))); // [classes, D]
                DiffusionModel network =
                        model.diffusion().with(model.diffusion().dit().with(other, all));
                batches.add(endless(network, manager, rows));
            }
            double[] seconds = medianSeconds(batches, done);
            return IntStream.range(0, counts.size())
                    .mapToObj(i -> new OfClasses(
                            counts.get(i),
                            (long) Float.BYTES * counts.get(i) * config.hiddenSize(),
                            seconds[i],
                            rows / seconds[i]))
                    .toList();
        }
    }

    /**
     * Batches on threads of their own that share the weights.
     *
     * @param rows of every step of every slot
     * @param done told of every slot's steps
     */
    public OfSlots slots(int slots, int rows, IntConsumer done) {
        int threadsEach = Math.max(1, threads / slots);
        ExecutorService executor = Executors.newFixedThreadPool(slots);
        try {
            AtomicLong start = new AtomicLong();
            CyclicBarrier warm = new CyclicBarrier(slots, () -> start.set(System.nanoTime()));
            Callable<Long> slot = () -> {
                TorchOps.prepareThread(threadsEach, false);
                try (NDManager manager = model.newManager();
                        DenoiseBatch<Integer> batch = endless(model.diffusion(), manager, rows)) {
                    batch.step();
                    warm.await();
                    for (int step = 0; step < steps; step++) {
                        batch.step();
                    }
                    return System.nanoTime();
                }
            };
            List<Future<Long>> ends = new ArrayList<>();
            for (int i = 0; i < slots; i++) {
                ends.add(executor.submit(slot));
            }
            long end = 0;
            for (Future<Long> finished : ends) {
                end = Math.max(end, finished.get());
                done.accept(steps);
            }
            double seconds = (end - start.get()) / 1e9;
            return new OfSlots(slots, threadsEach, (double) slots * steps * rows / seconds);
        } catch (ExecutionException e) {
            throw new IllegalStateException("a slot failed", e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while slots were running", e);
        } finally {
            executor.shutdownNow();
        }
    }

    /** So many unguided trajectories of different classes, which do not end while they are timed. */
    static DenoiseBatch<Integer> endless(DiffusionModel model, NDManager manager, int rows) {
        DenoiseBatch<Integer> batch = new DenoiseBatch<>(model, Math.max(2, rows), Noise.SEEDED, manager);
        int classes = model.config().subclasses();
        for (int i = 0; i < rows; i++) {
            int subclass = (int) ((long) i * classes / rows);
            batch.admit(
                    i,
                    new SampleSpec(
                            subclass, 0, i, 0, Guidance.NONE, new Sampler.Ddim(0), NoiseSchedule.DIT.timesteps()));
        }
        return batch;
    }

    private double[] medianSeconds(List<DenoiseBatch<Integer>> batches, IntConsumer done) {
        List<List<Double>> seconds = new ArrayList<>();
        for (DenoiseBatch<Integer> batch : batches) {
            batch.step(); // warms up
            seconds.add(new ArrayList<>());
        }
        for (int step = 0; step < steps; step++) {
            for (int i = 0; i < batches.size(); i++) {
                long start = System.nanoTime();
                batches.get(i).step();
                seconds.get(i).add((System.nanoTime() - start) / 1e9);
                done.accept(1);
            }
        }
        return seconds.stream().mapToDouble(taken -> Latencies.of(taken).p50()).toArray();
    }
}
