package io.finestream.bench;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.finestream.dit.ComputeType;
import io.finestream.dit.DiTConfig;
import io.finestream.dit.Label;
import io.finestream.torch.TorchOps;
import io.finestream.weights.GenerativeModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
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

/** One attention block as wide as DiT-S, between the embeddings and the last layer: 8 rows of 256 tokens. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(1)
@Warmup(iterations = 2, time = 2)
@Measurement(iterations = 5, time = 2)
public class OneBlockBenchmark {

    private static final int ROWS = 8;

    @Param({"1", "2"})
    public int threads;

    @Param("FP32")
    public ComputeType type;

    private final int[] t = IntStream.range(0, ROWS).map(row -> 100 * row).toArray();
    private final List<Label> labels =
            IntStream.range(0, ROWS).mapToObj(Label::subclass).toList();
    private Path directory;
    private GenerativeModel model;
    private NDManager owner;
    private NDArray x; // [B, C, H, W]

    @Setup
    public void load() throws IOException {
        directory = Files.createTempDirectory("finestream-block");
        DiTConfig config = new DiTConfig(32, 2, 4, 384, 1, 6, 1000, 1, false);
        model = RandomModel.write(directory, "block", config).load(type);
        owner = model.newManager();
        x = owner.randomNormal(new Shape(ROWS, 4, 32, 32));
        TorchOps.prepareThread(threads, false);
    }

    @Benchmark
    public void forward() {
        try (NDManager m = owner.newSubManager()) {
            model.diffusion().dit().forward(m, x, t, labels);
        }
    }

    @TearDown(Level.Trial)
    public void close() throws IOException {
        owner.close();
        model.close();
        MachineBench.delete(directory);
    }
}
