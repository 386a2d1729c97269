package io.finestream.cli;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import io.finestream.diffusion.DiffusionModel;
import io.finestream.diffusion.NoiseSchedule;
import io.finestream.diffusion.PredictionType;
import io.finestream.dit.ComputeType;
import io.finestream.dit.DiT;
import io.finestream.dit.DiTConfig;
import io.finestream.dit.DiTParameters;
import io.finestream.dit.Taxonomy;
import io.finestream.torch.TorchOps;
import io.finestream.tuning.BatchSampler;
import io.finestream.tuning.ImageFolder;
import io.finestream.tuning.Trainer;
import io.finestream.weights.GenerativeModel;
import io.finestream.weights.ModelConfig;
import io.finestream.weights.Safetensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import me.tongfei.progressbar.ProgressBar;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "train",
        mixinStandardHelpOptions = true,
        description = {
            "Trains a base model from a folder superclass/subclass/image and writes a model directory.",
            "Run it again to go on where it stopped."
        },
        footer = {"", "Example:", "  finestream train --data flowers --out my-model --steps 20000 --dtype bf16"})
final class TrainCommand implements Callable<Integer> {

    private static final String STATE = "train-state.safetensors";
    private static final double CONSTANT_SHARE = 0.3; // of the run, before the learning rate decays
    private static final double FINAL_RATE = 0.03; // of the learning rate, at the end
    private static final int LOG_EVERY = 50;

    @Option(names = "--data", required = true, paramLabel = "DIR", description = "folder superclass/subclass/image")
    private Path data = Path.of("");

    @Option(names = "--out", required = true, paramLabel = "DIR", description = "model directory to write")
    private Path out = Path.of("");

    @Option(names = "--name", description = "name of the model (default ${DEFAULT-VALUE})")
    private String name = "flowers";

    @Option(names = "--size", paramLabel = "PIXELS", description = "image size (default ${DEFAULT-VALUE})")
    private int size = 32;

    @Option(names = "--patch", description = "patch size (default ${DEFAULT-VALUE})")
    private int patch = 4;

    @Option(names = "--width", description = "hidden size (default ${DEFAULT-VALUE})")
    private int width = 256;

    @Option(names = "--depth", description = "blocks (default ${DEFAULT-VALUE})")
    private int depth = 6;

    @Option(names = "--heads", description = "attention heads (default ${DEFAULT-VALUE})")
    private int heads = 4;

    @Option(names = "--steps", description = "optimizer steps in all, earlier runs included (default ${DEFAULT-VALUE})")
    private long steps = 20_000;

    @Option(names = "--batch", description = "images per step (default ${DEFAULT-VALUE})")
    private int batch = 64;

    @Option(names = "--lr", description = "learning rate after warm-up (default ${DEFAULT-VALUE})")
    private double learningRate = 1e-3;

    @Option(names = "--warmup", paramLabel = "STEPS", description = "warm-up (default ${DEFAULT-VALUE})")
    private int warmup = 300;

    @Option(names = "--beta2", description = "decay of AdamW's second moment (default ${DEFAULT-VALUE})")
    private double beta2 = 0.99;

    @Option(names = "--weight-decay", description = "of AdamW (default ${DEFAULT-VALUE})")
    private double weightDecay = 0.01;

    @Option(names = "--clip", paramLabel = "NORM", description = "gradient norm; 0: none (default ${DEFAULT-VALUE})")
    private double clip = 1;

    @Option(names = "--ema", paramLabel = "DECAY", description = "moving average (default ${DEFAULT-VALUE})")
    private double ema = 0.999;

    @Option(
            names = "--label-dropout",
            description = "share of rows trained on the superclass (default ${DEFAULT-VALUE})")
    private double labelDropout = 0.1;

    @Option(names = "--mirror", description = "flip images left to right at random")
    private boolean mirror;

    @Option(names = "--prediction", description = "epsilon or v_prediction (default ${DEFAULT-VALUE})")
    private PredictionType prediction = PredictionType.EPSILON;

    @Option(names = "--guidance", description = "recommended guidance scale to save (default ${DEFAULT-VALUE})")
    private double guidance = 2;

    @Option(names = "--dtype", description = "fp32 or bf16 arithmetic (default ${DEFAULT-VALUE})")
    private ComputeType dtype = ComputeType.FP32;

    @Option(names = "--half", description = "write the weights in fp16, at half the size")
    private boolean half;

    @Option(names = "--threads", description = "threads of the engine (default ${DEFAULT-VALUE})")
    private int threads = Runtime.getRuntime().availableProcessors();

    @Option(names = "--seed", description = "of initial weights, batches and noise (default ${DEFAULT-VALUE})")
    private int seed = 1;

    @Option(
            names = "--save-every",
            paramLabel = "MINUTES",
            description = "save and draw samples (default ${DEFAULT-VALUE})")
    private int saveMinutes = 5;

    @Override
    public Integer call() throws IOException {
        TorchOps.prepareThread(threads, true);
        System.out.println("reading " + data);
        ImageFolder images = ImageFolder.read(data, size, count -> {});
        Taxonomy taxonomy = images.taxonomy();
        DiTConfig dit = new DiTConfig(
                size,
                patch,
                3,
                width,
                depth,
                heads,
                taxonomy.subclasses().size(),
                taxonomy.superclasses().size(),
                false);
        ModelConfig config = new ModelConfig(
                name, dit, prediction, NoiseSchedule.DIT, "pixel", new ModelConfig.Defaults(guidance, 3));
        try (NDManager manager = TorchOps.newManager(Device.cpu())) {
            manager.getEngine().setRandomSeed(seed);
            TorchOps ops = TorchOps.load(manager);
            Map<String, NDArray> initial = DiTParameters.initialise(manager, dit);
            long parameters = initial.values().stream().mapToLong(NDArray::size).sum();
            System.out.printf(
                    Locale.ROOT,
                    "%,d images of %d classes in %d superclasses; %,d parameters, %d tokens, %s%n",
                    images.count(),
                    dit.subclasses(),
                    dit.superclasses(),
                    parameters,
                    dit.tokens(),
                    dtype);
            Trainer.Options options = new Trainer.Options(0.9, beta2, weightDecay, clip, ema);
            try (Trainer trainer = new Trainer(
                    ops,
                    manager,
                    dit,
                    NoiseSchedule.DIT,
                    prediction,
                    dtype,
                    initial,
                    parameter -> !parameter.equals("pos_embed"),
                    options)) {
                resume(ops, manager, trainer);
                train(ops, manager, trainer, images, config);
            }
        }
        return 0;
    }

    private void train(TorchOps ops, NDManager manager, Trainer trainer, ImageFolder images, ModelConfig config)
            throws IOException {
        BatchSampler sampler =
                new BatchSampler(images, batch, labelDropout, mirror, NoiseSchedule.DIT.timesteps(), seed);
        long saved = System.nanoTime();
        double mse = 0;
        double vb = 0;
        try (ProgressBar bar = Progress.bar("training", steps)) {
            bar.stepTo(trainer.stepsDone());
            while (trainer.stepsDone() < steps) {
                long step = trainer.stepsDone();
                Trainer.StepResult result = trainer.step(sampler.batch(step), learningRateAt(step));
                if (!Double.isFinite(result.mse()) || !Double.isFinite(result.gradNorm())) {
                    throw new IllegalStateException("the loss is not finite after step " + trainer.stepsDone()
                            + "; run again from the last save with a lower --lr");
                }
                mse += result.mse() / LOG_EVERY;
                vb += result.vb() / LOG_EVERY;
                bar.step();
                if (trainer.stepsDone() % LOG_EVERY == 0) {
                    bar.setExtraMessage(" mse %.4f vb %.4f".formatted(mse, vb));
                    log(trainer.stepsDone(), mse, vb, learningRateAt(step));
                    mse = 0;
                    vb = 0;
                }
                boolean due = System.nanoTime() - saved
                        > Duration.ofMinutes(saveMinutes).toNanos();
                if (due || trainer.stepsDone() == steps) {
                    save(ops, manager, trainer, images, config);
                    saved = System.nanoTime();
                }
            }
        }
        save(ops, manager, trainer, images, config);
        System.out.println("wrote " + out);
    }

    /** Warm-up, constant, then a cosine to a small rest. */
    private double learningRateAt(long step) {
        double progress = (double) step / steps;
        double decay = progress < CONSTANT_SHARE
                ? 1
                : 0.5 * (1 + Math.cos(Math.PI * (progress - CONSTANT_SHARE) / (1 - CONSTANT_SHARE)));
        return learningRate * Math.min(1, (step + 1.0) / warmup) * (FINAL_RATE + (1 - FINAL_RATE) * decay);
    }

    private void resume(TorchOps ops, NDManager manager, Trainer trainer) throws IOException {
        Path file = out.resolve(STATE);
        if (!Files.exists(file)) {
            return;
        }
        Safetensors state = Safetensors.open(file);
        try (NDManager m = manager.newSubManager()) {
            Map<String, NDArray> saved = new LinkedHashMap<>();
            for (String tensor : state.names()) {
                saved.put(tensor, state.map(ops, m, tensor));
            }
            trainer.restore(saved, Long.parseLong(state.metadata().getOrDefault("step", "0")));
        }
        System.out.println("going on from step " + trainer.stepsDone());
    }

    private void save(TorchOps ops, NDManager manager, Trainer trainer, ImageFolder images, ModelConfig config)
            throws IOException {
        Map<String, NDArray> averaged = new LinkedHashMap<>(trainer.averaged());
        if (half) {
            averaged.replaceAll((tensor, values) -> values.toType(DataType.FLOAT16, true));
        }
        GenerativeModel.save(out, config, images.taxonomy(), averaged);
        Safetensors.write(out.resolve(STATE), trainer.state(), Map.of("step", Long.toString(trainer.stepsDone())));
        TorchOps.recordGradients(false);
        DiT dit = new DiT(ops, config.dit(), trainer.averaged(), ComputeType.FP32);
        DiffusionModel model = new DiffusionModel(ops, dit, config.schedule(), config.prediction());
        new SampleSheet(images, guidance).write(out.resolve("samples.png"), model, manager);
        TorchOps.recordGradients(true);
    }

    private void log(long step, double mse, double vb, double rate) throws IOException {
        Files.createDirectories(out);
        String line = String.format(
                Locale.ROOT, "%d\t%.5f\t%.5f\t%.2e\t%d%n", step, mse, vb, rate, System.currentTimeMillis() / 1000);
        Files.writeString(out.resolve("loss.tsv"), line, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }
}
