package io.finestream.bench;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.finestream.codec.AutoencoderConfig;
import io.finestream.codec.AutoencoderParameters;
import io.finestream.dit.ComputeType;
import io.finestream.dit.DiTConfig;
import io.finestream.dit.DiTParameters;
import io.finestream.dit.Label;
import io.finestream.torch.TorchOps;
import io.finestream.weights.AutoencoderFiles;
import io.finestream.weights.DiTWeights;
import io.finestream.weights.GenerativeModel;
import io.finestream.weights.ModelExport;
import io.finestream.weights.ModelFiles;
import io.finestream.weights.PyTorchCheckpoint;
import io.finestream.weights.TensorFile;
import io.finestream.weights.TensorSource;
import io.finestream.weights.TensorType;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.nio.channels.Channels;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Checkpoints at the size of published ones, written with random weights in each layout and read back: whether they are
 * the same to the bit, how long loading takes beside reading the bytes, and what it leaves in memory.
 *
 * @param directory for the files
 * @param size as in {@code XL/2}; the classes are iNaturalist's
 */
public record CheckpointBench(Path directory, String size, int imageSize) {

    private static final float STD = 0.02f;
    private static final AutoencoderConfig STABLE_DIFFUSION =
            new AutoencoderConfig(3, 4, List.of(128, 256, 512, 512), 2, 32, AutoencoderConfig.DEFAULT_SCALING_FACTOR);
    private static final int MATRIX = 2048;
    private static final int REPEATS = 3;

    /**
     * What loading took.
     *
     * @param readNanos of reading every byte of the parameters
     * @param loadNanos of making a model of the file
     * @param heapBytes in use after loading
     * @param residentBytes of the process after loading
     * @param mostResidentBytes while it loaded
     */
    public record Loading(long readNanos, long loadNanos, long heapBytes, long residentBytes, long mostResidentBytes) {}

    /**
     * How fast the network computes.
     *
     * @param stepNanos of one pass over the two rows of a guided image
     * @param stepFlops multiplications and additions in it, by the published count
     * @param flopsPerSecond of a product of square matrices
     */
    public record Speed(long stepNanos, double stepFlops, double flopsPerSecond) {}

    public Path checkpoint() {
        return directory.resolve("checkpoint.pt");
    }

    public Path modelDirectory() {
        return directory.resolve("model");
    }

    public Path pipeline() {
        return directory.resolve("pipeline");
    }

    /**
     * Writes the three: a training checkpoint with its moving average, and what is converted from it.
     *
     * @param progress is told what comes next
     */
    public void write(Consumer<String> progress) throws IOException {
        Files.createDirectories(directory);
        try (NDManager manager = TorchOps.newManager(Device.cpu())) {
            TorchOps ops = TorchOps.load(manager);
            progress.accept("an autoencoder of full size");
            try (NDManager m = manager.newSubManager()) {
                m.getEngine().setRandomSeed(1);
                AutoencoderFiles.save(
                        directory.resolve("vae"),
                        STABLE_DIFFUSION,
                        imageSize,
                        AutoencoderParameters.initialise(m, STABLE_DIFFUSION));
            }
            progress.accept("a checkpoint of torch.save, 'model' and 'ema'");
            Map<String, List<TensorSource>> parts = new LinkedHashMap<>();
            parts.put("model", random(manager, 2));
            parts.put("ema", random(manager, 3));
            PyTorchCheckpoint.write(checkpoint(), parts);
            progress.accept("a model directory of safetensors");
            ModelExport.of(ops, manager, ModelFiles.in(checkpoint()))
                    .fold() // the norms are not affine
                    .writeDirectory(modelDirectory(), TensorType.F32);
            progress.accept("a pipeline of diffusers");
            ModelExport.of(ops, manager, ModelFiles.in(checkpoint())).writeDiffusers(pipeline(), TensorType.F32);
        }
    }

    private List<TensorSource> random(NDManager manager, int seed) {
        DiTConfig config = TunedNetwork.config(size, imageSize);
        Map<String, Shape> shapes = DiTParameters.shapes(config);
        shapes.keySet().removeIf(name -> name.contains("norm") || name.startsWith("y_embedder."));
        shapes.put(
                DiTParameters.REFERENCE_TABLE,
                new Shape(config.subclasses() + config.coarseRows(), config.hiddenSize()));
        List<TensorSource> tensors = new ArrayList<>();
        shapes.forEach((name, shape) -> tensors.add(TensorSource.of(name, TensorType.F32, shape, manager, m -> {
            if (name.equals(DiTParameters.POSITIONS)) {
                return DiTParameters.implied(m, config, name, shape);
            }
            m.getEngine().setRandomSeed(31 * name.hashCode() + seed);
            return m.randomNormal(0f, STD, shape, DataType.FLOAT32);
        })));
        return tensors;
    }

    /** The first parameter that is not the same, to the bit, in all three; nothing if there is none. */
    public String firstDifference() throws IOException {
        try (NDManager manager = TorchOps.newManager(Device.cpu())) {
            TorchOps ops = TorchOps.load(manager);
            List<DiTWeights> all = new ArrayList<>();
            for (Path path : List.of(checkpoint(), modelDirectory(), pipeline())) {
                ModelFiles files = ModelFiles.in(path);
                all.add(DiTWeights.in(files.openWeights(), files.readConfig().dit()));
            }
            for (String name : all.get(0).shapes().keySet()) {
                try (NDManager m = manager.newSubManager()) {
                    NDArray first = all.get(0).read(ops, m, name);
                    for (DiTWeights other : all.subList(1, all.size())) {
                        if (!first.contentEquals(other.read(ops, m, name))) {
                            return name;
                        }
                    }
                }
            }
            return "";
        }
    }

    /** Loads a model in this process; run it in one of its own for its memory to mean anything. */
    public static Loading load(Path model, ComputeType type) throws IOException {
        ModelFiles files = ModelFiles.in(model);
        try (NDManager manager = TorchOps.newManager(Device.cpu())) {
            TorchOps.load(manager); // starts the engine
        }
        readAll(files); // so that both come from where the operating system keeps it
        long start = System.nanoTime();
        readAll(files);
        long read = System.nanoTime() - start;
        start = System.nanoTime();
        try (GenerativeModel loaded = GenerativeModel.load(files, Device.cpu(), type)) {
            long took = System.nanoTime() - start;
            System.gc();
            return new Loading(
                    read,
                    took,
                    ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed(),
                    PeakMemory.kilobytes("VmRSS") * 1024,
                    PeakMemory.kilobytes("VmHWM") * 1024);
        }
    }

    private static void readAll(ModelFiles files) throws IOException {
        TensorFile file = files.openWeights();
        try (WritableByteChannel nowhere = Channels.newChannel(OutputStream.nullOutputStream())) {
            for (String name : file.names()) {
                file.source(name).content().writeTo(nowhere);
            }
        }
    }

    /** Times one guided step, and a product of matrices, in float32. */
    public static Speed speed(Path model, int threads) throws IOException {
        TorchOps.prepareThread(threads, false);
        try (GenerativeModel loaded = GenerativeModel.load(model, Device.cpu(), ComputeType.FP32);
                NDManager manager = loaded.newManager()) {
            DiTConfig config = loaded.config().dit();
            long step = Long.MAX_VALUE;
            long product = Long.MAX_VALUE;
            for (int i = 0; i < REPEATS; i++) {
                try (NDManager m = manager.newSubManager()) {
                    NDArray x =
                            m.randomNormal(new Shape(2, config.inChannels(), config.inputSize(), config.inputSize()));
                    long start = System.nanoTime();
                    loaded.diffusion()
                            .dit()
                            .forward(m, x, new int[] {500, 500}, List.of(Label.subclass(0), Label.superclass(0)));
                    step = Math.min(step, System.nanoTime() - start);
                    NDArray a = m.randomNormal(new Shape(MATRIX, MATRIX));
                    start = System.nanoTime();
                    a.matMul(a);
                    product = Math.min(product, System.nanoTime() - start);
                }
            }
            return new Speed(step, 2 * 2.0 * config.multiplyAdds(), 2.0 * MATRIX * MATRIX * MATRIX / (product * 1e-9));
        }
    }

    /** Loads a model and says how it went, in numbers: a process of its own for {@link #load}. */
    public static void main(String[] args) throws IOException {
        Loading loading = load(Path.of(args[0]), ComputeType.valueOf(args[1]));
        System.out.println(PeakMemory.RESULT + loading.readNanos() + " " + loading.loadNanos() + " "
                + loading.heapBytes() + " " + loading.residentBytes() + " " + loading.mostResidentBytes());
    }

    /** Runs {@link #load} in a process with a heap of 512 MB. */
    public static Loading loadAlone(Path model, ComputeType type) throws IOException {
        long[] numbers =
                PeakMemory.resultOf("loads " + model, CheckpointBench.class, List.of(model.toString(), type.name()));
        return new Loading(numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]);
    }
}
