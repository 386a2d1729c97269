package io.finestream.bench;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.finestream.dit.ComputeType;
import io.finestream.dit.DiTConfig;
import io.finestream.dit.DiTParameters;
import io.finestream.torch.TorchOps;
import io.finestream.tuning.TuningStrategy;
import java.util.List;
import java.util.Map;

/**
 * A step of the optimizer in float32, by FineDiffusion and in full. {@link TuningBench} measures every strategy, and its
 * memory.
 *
 * @param size of the network, a published one
 * @param batch images of a step
 * @param repeats in turns with each other and with the ceiling
 */
record TrainBench(String size, int imageSize, int batch, int repeats) {

    /** Passes over the network's products that a full step takes: forward, and two backward. */
    private static final int PASSES = 3;

    static TrainBench published(int repeats) {
        return new TrainBench("S/2", 256, 4, repeats);
    }

    List<Measurement> run(int threads, Ceiling ceiling) {
        TorchOps.prepareThread(threads, true);
        try (NDManager manager = TorchOps.newManager(Device.cpu())) {
            TorchOps ops = TorchOps.load(manager);
            DiTConfig config = TunedNetwork.config(size, imageSize);
            Map<String, NDArray> base = DiTParameters.initialise(manager, config);
            ShortestTime few = new ShortestTime();
            ShortestTime full = new ShortestTime();
            try (TunedNetwork ofFew =
                            new TunedNetwork(ops, manager, config, base, TuningStrategy.FINE_DIFFUSION, batch);
                    TunedNetwork ofAll = new TunedNetwork(ops, manager, config, base, TuningStrategy.FULL, batch)) {
                for (int i = 0; i <= repeats; i++) { // the first warms up
                    TorchOps.recordGradients(false);
                    ceiling.again(ComputeType.FP32);
                    TorchOps.recordGradients(true);
                    few.of(ofFew::step);
                    full.of(ofAll::step);
                }
            }
            return List.of(
                    measurement(TuningStrategy.FULL, full)
                            .computed(PASSES * 2 * config.multiplyAdds() * batch, full.nanos()),
                    measurement(TuningStrategy.FINE_DIFFUSION, few)
                            .sharing((double) few.nanos() / full.nanos(), TuningStrategy.FULL.toString()));
        } finally {
            TorchOps.prepareThread(threads, false);
        }
    }

    private Measurement measurement(TuningStrategy strategy, ShortestTime time) {
        return Measurement.of(Part.TRAIN, "%s, %d images, %s".formatted(size, batch, strategy))
                .in(ComputeType.FP32)
                .tookNanos(time.nanos())
                .made(batch, "images", time.nanos());
    }
}
