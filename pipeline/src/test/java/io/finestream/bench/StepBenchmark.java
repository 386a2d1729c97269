package io.finestream.bench;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.finestream.diffusion.DenoiseBatch;
import io.finestream.diffusion.Noise;
import io.finestream.diffusion.SampleSpec;
import io.finestream.dit.ComputeType;
import io.finestream.dit.DiTConfig;
import io.finestream.torch.TorchOps;
import io.finestream.weights.GenerativeModel;
import io.finestream.weights.ModelDirectory;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** One denoising step of a full batch of guided images of the shipped model, and what it does beside the network. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(1)
@Warmup(iterations = 2, time = 2)
@Measurement(iterations = 5, time = 2)
public class StepBenchmark {

    private static final int ROWS = 24;
    private static final int LONG = 1000; // steps, so that few images have to be begun

    @Param({"1", "2"})
    public int threads;

    private GenerativeModel model;
    private Workload load;
    private NDManager owner;
    private DenoiseBatch<Integer> batch;
    private NDArray x; // [N, C, H, W]
    private NDArray prediction; // [N, 2C, H, W]
    private NDArray coefficients; // [N, 5]
    private int draw;

    @Setup
    public void load() throws IOException {
        model = GenerativeModel.load(ModelDirectory.locate("flowers"), Device.cpu(), ComputeType.FP32);
        load = new Workload(model, ROWS);
        owner = model.newManager();
        batch = new DenoiseBatch<>(model.diffusion(), ROWS, Noise.SEEDED, owner);
        DiTConfig config = model.config().dit();
        int n = load.batchSize();
        int side = config.inputSize();
        x = owner.randomNormal(new Shape(n, config.inChannels(), side, side));
        prediction = owner.randomNormal(new Shape(n, 2 * config.inChannels(), side, side));
        coefficients = owner.ones(new Shape(n, 5));
        TorchOps.prepareThread(threads, false);
    }

    @Benchmark
    public Object denoiseStep() {
        for (int i = 0; batch.size() < load.batchSize(); i++) {
            SampleSpec spec = load.sample(i);
            batch.admit(
                    i,
                    new SampleSpec(
                            spec.subclass(),
                            spec.superclass(),
                            spec.seed(),
                            spec.sample(),
                            spec.guidance(),
                            spec.sampler(),
                            LONG));
        }
        return batch.step();
    }

    @Benchmark
    public void samplerStep() {
        try (NDManager m = owner.newSubManager()) {
            model.diffusion().ops().samplerStep(m, x, prediction, x, coefficients);
        }
    }

    /** Of one latent. */
    @Benchmark
    public float[] noise() {
        return Noise.SEEDED.normal(1, 0, draw++, model.config().dit().latentSize());
    }

    @TearDown(Level.Trial)
    public void close() {
        batch.close();
        owner.close();
        model.close();
    }
}
