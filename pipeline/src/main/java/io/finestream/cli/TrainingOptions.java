package io.finestream.cli;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import io.finestream.dit.ComputeType;
import io.finestream.tuning.AdamW;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine.Option;

/** How a network is trained: what every training command takes. */
final class TrainingOptions {

    private static final double BETA1 = 0.9;
    private static final double FINAL_RATE = 0.02; // of the learning rate, at the end

    @Option(names = "--data", required = true, paramLabel = "DIR", description = "folder superclass/subclass/image")
    Path data = Path.of("");

    @Option(names = "--out", required = true, paramLabel = "DIR", description = "directory to write")
    Path out = Path.of("");

    @Option(names = "--size", paramLabel = "PIXELS", description = "image size (default ${DEFAULT-VALUE})")
    int size = 64;

    @Option(names = "--steps", description = "optimizer steps in all, earlier runs included (default ${DEFAULT-VALUE})")
    long steps;

    @Option(names = "--batch", description = "images per step (default ${DEFAULT-VALUE})")
    int batch = 64;

    @Option(names = "--lr", description = "learning rate after warm-up (default ${DEFAULT-VALUE})")
    double learningRate;

    @Option(names = "--warmup", paramLabel = "STEPS", description = "warm-up (default ${DEFAULT-VALUE})")
    int warmup = 300;

    @Option(
            names = "--decay-from",
            paramLabel = "SHARE",
            description = "share of the steps after which the learning rate falls (default ${DEFAULT-VALUE})")
    double decayFrom = 0.5;

    @Option(names = "--beta2", description = "decay of AdamW's second moment (default ${DEFAULT-VALUE})")
    private double beta2 = 0.99;

    @Option(names = "--weight-decay", description = "of AdamW (default ${DEFAULT-VALUE})")
    private double weightDecay = 0.01;

    @Option(names = "--clip", paramLabel = "NORM", description = "gradient norm; 0: none (default ${DEFAULT-VALUE})")
    private double clip = 1;

    @Option(names = "--ema", paramLabel = "DECAY", description = "moving average (default ${DEFAULT-VALUE})")
    private double ema = 0.999;

    @Option(names = "--dtype", description = "fp32 or bf16 arithmetic (default ${DEFAULT-VALUE})")
    ComputeType dtype = ComputeType.FP32;

    @Option(names = "--half", description = "write the weights in fp16, at half the size")
    private boolean half;

    @Option(names = "--threads", description = "threads of the engine (default ${DEFAULT-VALUE})")
    int threads = Runtime.getRuntime().availableProcessors();

    @Option(names = "--seed", description = "of initial weights, batches and noise (default ${DEFAULT-VALUE})")
    int seed = 1;

    @Option(
            names = "--save-every",
            paramLabel = "MINUTES",
            description = "save and draw samples (default ${DEFAULT-VALUE})")
    int saveMinutes = 5;

    /** The defaults in which commands differ. */
    TrainingOptions(long steps, double learningRate) {
        this.steps = steps;
        this.learningRate = learningRate;
    }

    AdamW.Options optimizer() {
        return new AdamW.Options(BETA1, beta2, weightDecay, clip, ema);
    }

    /** The weights as they are to be written. */
    Map<String, NDArray> forFile(Map<String, NDArray> weights) {
        Map<String, NDArray> written = new LinkedHashMap<>(weights);
        if (half) {
            written.replaceAll((tensor, values) -> values.toType(DataType.FLOAT16, true));
        }
        return written;
    }

    /** Warm-up, constant, then a cosine to a small rest. */
    double learningRateAt(long step) {
        double progress = (double) step / steps;
        double decay =
                progress < decayFrom ? 1 : 0.5 * (1 + Math.cos(Math.PI * (progress - decayFrom) / (1 - decayFrom)));
        return learningRate * Math.min(1, (step + 1.0) / warmup) * (FINAL_RATE + (1 - FINAL_RATE) * decay);
    }
}
