package io.finestream.bench;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.finestream.diffusion.DenoiseBatch;
import io.finestream.dit.ComputeType;
import io.finestream.dit.DiTConfig;
import io.finestream.dit.DiTParameters;
import io.finestream.dit.Kernels;
import io.finestream.torch.TorchOps;
import io.finestream.weights.ModelFiles;
import io.finestream.weights.SharedModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Memory of a process whose slots, each a thread, hold a share of one model, after steps of all of them.
 *
 * @param slots in one virtual machine
 * @param weightsBytes of one copy of the network
 * @param idleBytes resident before the model was loaded: the virtual machine and the engine
 * @param residentBytes of the process, with what is mapped from the model's files
 * @param mostResidentBytes at any time
 */
public record SlotMemory(int slots, long weightsBytes, long idleBytes, long residentBytes, long mostResidentBytes) {

    private static final int STEPS = 2;

    /**
     * Measures on the CPU in a process of its own.
     *
     * @param rows of every step
     */
    public static SlotMemory measure(Path model, ComputeType type, int slots, int rows, int threads)
            throws IOException {
        long[] numbers = PeakMemory.resultOf(
                "has " + slots + " slots of " + model,
                SlotMemory.class,
                List.of(
                        model.toString(),
                        type.name(),
                        String.valueOf(slots),
                        String.valueOf(rows),
                        String.valueOf(threads)));
        return new SlotMemory(slots, numbers[0], numbers[1], numbers[2], numbers[3]);
    }

    /** The process that is measured. */
    public static void main(String[] args) throws Exception {
        Path directory = Path.of(args[0]);
        ComputeType type = ComputeType.valueOf(args[1]);
        int slots = Integer.parseInt(args[2]);
        int rows = Integer.parseInt(args[3]);
        int threadsEach = Math.max(1, Integer.parseInt(args[4]) / slots);
        try (NDManager manager = TorchOps.newManager(Device.cpu())) {
            TorchOps.load(manager); // starts the engine
        }
        long idle = PeakMemory.kilobytes("VmRSS") * 1024;
        Queue<SharedModel> shares = new ConcurrentLinkedQueue<>();
        Callable<DenoiseBatch<Integer>> slot = () -> {
            TorchOps.prepareThread(threadsEach, false);
            SharedModel share =
                    SharedModel.acquire(ModelFiles.in(directory), Device.cpu(), type, Kernels.DETERMINISTIC);
            shares.add(share);
            DenoiseBatch<Integer> batch =
                    ScaleBench.endless(share.model().diffusion(), share.model().newManager(), rows);
            for (int step = 0; step < STEPS; step++) {
                batch.step();
            }
            return batch;
        };
        ExecutorService executor = Executors.newFixedThreadPool(slots);
        List<DenoiseBatch<Integer>> batches = new ArrayList<>(); // held, as the shares are
        for (Future<DenoiseBatch<Integer>> stepped : executor.invokeAll(Collections.nCopies(slots, slot))) {
            batches.add(stepped.get());
        }
        long weights = bytes(shares.element().model().config().dit(), type);
        long resident = PeakMemory.kilobytes("VmRSS") * 1024;
        long most = PeakMemory.kilobytes("VmHWM") * 1024;
        System.out.println(PeakMemory.RESULT + weights + " " + idle + " " + resident + " " + most);
        batches.forEach(DenoiseBatch::close);
        shares.forEach(SharedModel::close);
        executor.shutdown();
    }

    private static long bytes(DiTConfig config, ComputeType type) {
        long bytes = 0;
        for (Map.Entry<String, Shape> parameter : DiTParameters.shapes(config).entrySet()) {
            boolean isNarrow = type == ComputeType.BF16 && DiTParameters.isCastForInference(parameter.getKey());
            bytes += parameter.getValue().size() * (isNarrow ? Short.BYTES : Float.BYTES);
        }
        return bytes;
    }
}
