package io.finestream.bench;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.finestream.diffusion.LossCoefficients;
import io.finestream.diffusion.Noise;
import io.finestream.diffusion.NoiseSchedule;
import io.finestream.diffusion.PredictionType;
import io.finestream.dit.ComputeType;
import io.finestream.dit.DiTConfig;
import io.finestream.dit.DiTParameters;
import io.finestream.dit.Label;
import io.finestream.torch.TorchOps;
import io.finestream.tuning.AdamW;
import io.finestream.tuning.Trainer;
import io.finestream.tuning.TrainingBatch;
import io.finestream.tuning.TuningStrategy;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * A network of a published size that one strategy tunes on noise, as the paper tunes it: float32, the reference's
 * optimizer, iNaturalist's classes.
 */
final class TunedNetwork implements AutoCloseable {

    private static final int SUBCLASSES = 10_000;
    private static final int SUPERCLASSES = 11;
    private static final double LEARNING_RATE = 1e-4;

    private final NDManager manager;
    private final AdamW optimizer;
    private final Trainer trainer;
    private final TrainingBatch batch;
    private final Set<String> tuned;

    /**
     * @param manager receives what the strategy adds
     * @param base parameters of the network; those that are not tuned are borrowed
     */
    TunedNetwork(
            TorchOps ops,
            NDManager manager,
            DiTConfig config,
            Map<String, NDArray> base,
            TuningStrategy strategy,
            int batchSize) {
        this.manager = manager;
        Map<String, NDArray> parameters = new LinkedHashMap<>(base);
        if (strategy == TuningStrategy.DIFF_FIT) {
            parameters.putAll(DiTParameters.initialGammas(manager, config, DiTParameters.gammaBlocks(config)));
        }
        tuned = strategy.trainable(parameters.keySet());
        optimizer = new AdamW(ops, manager, parameters, tuned::contains, AdamW.Options.REFERENCE);
        LossCoefficients coefficients = new LossCoefficients(NoiseSchedule.DIT, PredictionType.EPSILON);
        trainer = new Trainer(ops, config, coefficients, ComputeType.FP32, optimizer);
        batch = batch(config, batchSize);
    }

    static DiTConfig config(String size, int imageSize) {
        return DiTConfig.published(size, imageSize, SUBCLASSES, SUPERCLASSES, false);
    }

    private static TrainingBatch batch(DiTConfig config, int rows) {
        int numbers = rows * config.latentSize();
        int timesteps = NoiseSchedule.DIT.timesteps();
        return new TrainingBatch(
                Noise.SEEDED.normal(0, 0, 0, numbers),
                Noise.SEEDED.normal(0, 0, 1, numbers),
                IntStream.range(0, rows).map(row -> timesteps * row / rows).toArray(),
                IntStream.range(0, rows).mapToObj(Label::subclass).toList());
    }

    void step() {
        trainer.step(manager, batch, LEARNING_RATE);
    }

    /** Names of the parameters that are tuned. */
    Set<String> tuned() {
        return tuned;
    }

    /** Numbers that are tuned. */
    long tunedNumbers() {
        return tuned.stream()
                .mapToLong(name ->
                        Objects.requireNonNull(optimizer.parameters().get(name)).size())
                .sum();
    }

    @Override
    public void close() {
        optimizer.close();
    }
}
