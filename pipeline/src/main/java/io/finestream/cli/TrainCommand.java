package io.finestream.cli;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.finestream.codec.Codec;
import io.finestream.codec.PixelCodec;
import io.finestream.diffusion.DiffusionModel;
import io.finestream.diffusion.LossCoefficients;
import io.finestream.dit.ComputeType;
import io.finestream.dit.DiT;
import io.finestream.dit.DiTConfig;
import io.finestream.dit.DiTParameters;
import io.finestream.dit.Taxonomy;
import io.finestream.torch.TorchOps;
import io.finestream.tuning.AdamW;
import io.finestream.tuning.BatchSampler;
import io.finestream.tuning.DiffusionLoss;
import io.finestream.tuning.ImageFolder;
import io.finestream.tuning.Latents;
import io.finestream.tuning.Timesteps;
import io.finestream.tuning.Trainer;
import io.finestream.tuning.TuningStrategy;
import io.finestream.weights.AutoencoderFiles;
import io.finestream.weights.GenerativeModel;
import io.finestream.weights.ModelConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
        name = "train",
        mixinStandardHelpOptions = true,
        description = {
            "Trains a model from a folder superclass/subclass/image and writes a model directory:",
            "a new model, or one that is there and gains the classes of the folder that it does not have.",
            "Run it again to go on where it stopped."
        },
        footer = {
            "",
            "Examples:",
            "  finestream train --data flowers --out my-model --steps 20000 --dtype bf16",
            "  finestream train --from flowers --strategy fine-diffusion --data new-species --out tuned --steps 1000"
        })
final class TrainCommand implements Callable<Integer> {

    private static final String DEFAULT_NAME = "flowers";
    private static final double DEFAULT_GUIDANCE = 2;

    @Mixin
    private TrainingOptions training = new TrainingOptions(20_000, 1e-3);

    @Mixin
    private NetworkOptions network = new NetworkOptions();

    @Option(names = "--name", description = "name of the model (default: that of --from, or " + DEFAULT_NAME + ")")
    private @Nullable String name;

    @Option(
            names = "--from",
            paramLabel = "DIR|NAME",
            description = "go on from this model: a directory, or one that ships; default: from nothing")
    private @Nullable String from;

    @Option(
            names = "--strategy",
            description = "which parameters are trained: ${COMPLETION-CANDIDATES} (default ${DEFAULT-VALUE});"
                    + " with any but full, " + BaseModel.ADAPTER + " is written too, which holds them alone")
    private TuningStrategy strategy = TuningStrategy.FULL;

    @Option(
            names = "--diff-fit-blocks",
            paramLabel = "N",
            description = "how many blocks diff-fit scales, from the first (default: 14, or all of fewer)")
    private @Nullable Integer diffFitBlocks;

    @Option(
            names = "--label-dropout",
            description = "share of rows trained on the superclass (default ${DEFAULT-VALUE})")
    private double labelDropout = 0.1;

    @Option(names = "--mirror", description = "flip images left to right at random")
    private boolean mirror;

    @Option(
            names = "--timesteps",
            description = "which noise levels are trained: ${COMPLETION-CANDIDATES} (default" + " ${DEFAULT-VALUE})")
    private Timesteps timesteps = Timesteps.UNIFORM;

    @Option(
            names = "--min-snr",
            paramLabel = "GAMMA",
            description = "weight of min-SNR; 0: none (default ${DEFAULT-VALUE})")
    private double minSnr = 0;

    @Option(
            names = "--test",
            paramLabel = "DIR",
            description = "images of the model's classes that are not trained on, to measure the loss on")
    private @Nullable Path test;

    @Option(
            names = "--guidance",
            description = "recommended guidance scale to save (default: that of --from, or " + DEFAULT_GUIDANCE + ")")
    private @Nullable Double guidance;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec command;

    @Override
    public Integer call() throws IOException {
        BaseModel base = from == null ? null : BaseModel.open(from);
        check(base);
        TorchOps.prepareThread(training.threads, true);
        try (NDManager manager = TorchOps.newManager(Device.cpu())) {
            manager.getEngine().setRandomSeed(training.seed);
            TorchOps ops = TorchOps.load(manager);
            Path autoencoder = base == null ? network.autoencoder() : base.autoencoder();
            Codec codec = autoencoder == null ? new PixelCodec() : AutoencoderFiles.load(ops, manager, autoencoder);
            System.out.println("reading " + training.data);
            ImageFolder images = ImageFolder.read(training.data, imageSize(base, codec), count -> {});
            Taxonomy taxonomy = base == null
                    ? images.taxonomy()
                    : base.taxonomy().plus(images.taxonomy().names());
            ModelConfig config = config(base, codec, images, taxonomy);
            DiTConfig dit = config.dit();
            Map<String, NDArray> initial =
                    base == null ? network.initialise(manager, dit, taxonomy) : base.parameters(ops, manager, taxonomy);
            if (strategy == TuningStrategy.DIFF_FIT) {
                int blocks = Objects.requireNonNullElse(diffFitBlocks, DiTParameters.gammaBlocks(dit));
                DiTParameters.initialGammas(manager, dit, blocks).forEach(initial::putIfAbsent);
            }
            Set<String> trained = strategy.trainable(initial.keySet());
            describe(base, images, taxonomy, dit, initial, trained);
            Latents latents = encode(ops, manager, codec, autoencoder, images);
            try (AdamW optimizer = new AdamW(ops, manager, initial, trained::contains, training.optimizer())) {
                initial.forEach((parameter, value) -> {
                    if (trained.contains(parameter)) {
                        value.close(); // the optimizer has its own
                    }
                });
                LossCoefficients coefficients = new LossCoefficients(
                        config.schedule(), config.prediction(), minSnr == 0 ? Double.POSITIVE_INFINITY : minSnr);
                Trainer trainer = new Trainer(ops, dit, coefficients, training.dtype, optimizer);
                BatchSampler sampler = new BatchSampler(
                        latents,
                        taxonomy,
                        dit,
                        training.batch,
                        labelDropout,
                        timesteps,
                        config.schedule(),
                        training.seed);
                HeldOutLoss heldOut =
                        test == null ? null : HeldOutLoss.read(test, images.imageSize(), taxonomy, codec, manager);
                new TrainingRun(training, ops, manager, optimizer, List.of("mse", "vb"))
                        .run(
                                (step, rate) -> {
                                    Trainer.StepResult found = trainer.step(manager, sampler.batch(step), rate);
                                    return new double[] {found.mse(), found.vb(), found.gradNorm()};
                                },
                                averaged -> {
                                    save(base, config, taxonomy, autoencoder, trained, averaged);
                                    DiT learned = new DiT(ops, dit, averaged, ComputeType.FP32);
                                    new SampleSheet(images, taxonomy, codec, config.defaults())
                                            .write(
                                                    training.out.resolve("samples.png"),
                                                    new DiffusionModel(
                                                            ops, learned, config.schedule(), config.prediction()),
                                                    manager);
                                    if (heldOut != null) {
                                        heldOut.append(
                                                training.out.resolve("held-out-loss.tsv"),
                                                optimizer.stepsDone(),
                                                manager,
                                                new DiffusionLoss(ops, learned, coefficients));
                                    }
                                });
            }
        }
        return 0;
    }

    private void check(@Nullable BaseModel base) throws IOException {
        if (diffFitBlocks != null && strategy != TuningStrategy.DIFF_FIT) {
            throw Usage.wrong(
                    command, "--diff-fit-blocks is of --strategy diff-fit, not of " + strategy + "; leave it out");
        }
        if (base == null) {
            if (strategy != TuningStrategy.FULL) {
                throw Usage.wrong(
                        command,
                        "--strategy " + strategy + " tunes a model that is there; name it with --from, or use full");
            }
            return;
        }
        network.requireSame(command, base);
        base.requireFit(training.out);
    }

    private int imageSize(@Nullable BaseModel base, Codec codec) {
        if (base == null) {
            return training.size;
        }
        int itsOwn = base.config().dit().inputSize() * codec.downsampling();
        boolean given = command.commandLine().getParseResult().hasMatchedOption("--size");
        NetworkOptions.requireSame(command, "--size", given ? training.size : null, itsOwn);
        return itsOwn;
    }

    private ModelConfig config(@Nullable BaseModel base, Codec codec, ImageFolder images, Taxonomy taxonomy) {
        return base == null
                ? network.config(
                        Objects.requireNonNullElse(name, DEFAULT_NAME),
                        codec,
                        images.imageSize(),
                        taxonomy,
                        Objects.requireNonNullElse(guidance, DEFAULT_GUIDANCE))
                : base.config(name, guidance, taxonomy);
    }

    private void describe(
            @Nullable BaseModel base,
            ImageFolder images,
            Taxonomy taxonomy,
            DiTConfig dit,
            Map<String, NDArray> parameters,
            Set<String> trained) {
        long all = 0;
        long tuned = 0;
        for (Map.Entry<String, NDArray> parameter : parameters.entrySet()) {
            all += parameter.getValue().size();
            tuned += trained.contains(parameter.getKey()) ? parameter.getValue().size() : 0;
        }
        System.out.printf(
                Locale.ROOT,
                "%,d images of %d classes in %d superclasses; %,d parameters, %,d of them trained (%s);"
                        + " %d tokens, %s%n",
                images.count(),
                images.taxonomy().subclasses().size(),
                images.taxonomy().superclasses().size(),
                all,
                tuned,
                strategy,
                dit.tokens(),
                training.dtype);
        if (base != null) {
            taxonomy.names().stream()
                    .skip(base.taxonomy().subclasses().size())
                    .forEach(added -> System.out.println("new: " + added.superclass() + " / " + added.subclass()));
        }
    }

    /** Encodes the images, or takes what an earlier run into the same directory has encoded. */
    private Latents encode(TorchOps ops, NDManager manager, Codec codec, @Nullable Path autoencoder, ImageFolder images)
            throws IOException {
        if (autoencoder == null) {
            return Latents.encode(manager, codec, images, mirror);
        }
        Path cache = training.out.resolve("latents.safetensors");
        String key = AutoencoderFiles.hash(autoencoder) + " " + images.digest() + (mirror ? " mirrored" : "");
        Optional<Latents> cached = Latents.load(ops, manager, cache, key, images.taxonomy());
        if (cached.isPresent()) {
            return cached.get();
        }
        System.out.println("encoding");
        Latents latents = Latents.encode(manager, codec, images, mirror);
        Files.createDirectories(training.out);
        latents.save(manager, cache, key);
        return latents;
    }

    private void save(
            @Nullable BaseModel base,
            ModelConfig config,
            Taxonomy taxonomy,
            @Nullable Path autoencoder,
            Set<String> trained,
            Map<String, NDArray> averaged)
            throws IOException {
        GenerativeModel.save(training.out, config, taxonomy, training.forFile(averaged));
        if (autoencoder != null) {
            AutoencoderFiles.copy(autoencoder, training.out.resolve(ModelConfig.AUTOENCODER));
        }
        if (base != null && strategy != TuningStrategy.FULL) {
            Map<String, NDArray> tuned = new LinkedHashMap<>(averaged);
            tuned.keySet().retainAll(trained);
            base.saveAdapter(training.out, training.forFile(tuned), strategy);
        }
    }
}
