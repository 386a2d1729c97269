package io.finestream.cli;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.finestream.codec.Codec;
import io.finestream.codec.PixelCodec;
import io.finestream.diffusion.DiffusionModel;
import io.finestream.diffusion.LossCoefficients;
import io.finestream.diffusion.NoiseSchedule;
import io.finestream.diffusion.PredictionType;
import io.finestream.dit.ComputeType;
import io.finestream.dit.DiT;
import io.finestream.dit.DiTConfig;
import io.finestream.dit.DiTParameters;
import io.finestream.dit.Taxonomy;
import io.finestream.torch.TorchOps;
import io.finestream.tuning.AdamW;
import io.finestream.tuning.BatchSampler;
import io.finestream.tuning.ImageFolder;
import io.finestream.tuning.Latents;
import io.finestream.tuning.Timesteps;
import io.finestream.tuning.Trainer;
import io.finestream.weights.AutoencoderFiles;
import io.finestream.weights.DiTWeights;
import io.finestream.weights.GenerativeModel;
import io.finestream.weights.ModelConfig;
import io.finestream.weights.ModelFiles;
import io.finestream.weights.Safetensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
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

    @Mixin
    private TrainingOptions training = new TrainingOptions(20_000, 1e-3);

    @Option(names = "--name", description = "name of the model (default ${DEFAULT-VALUE})")
    private String name = "flowers";

    @Option(
            names = "--autoencoder",
            paramLabel = "DIR",
            description = "learn the latents of this autoencoder, which train-autoencoder or diffusers wrote; default:"
                    + " pixels")
    private @Nullable Path autoencoder;

    @Option(
            names = "--from",
            paramLabel = "DIR",
            description = "start from this model's weights; default: from nothing")
    private @Nullable Path from;

    @Option(names = "--patch", description = "patch size (default ${DEFAULT-VALUE})")
    private int patch = 2;

    @Option(names = "--width", description = "hidden size (default ${DEFAULT-VALUE})")
    private int width = 256;

    @Option(names = "--depth", description = "blocks (default ${DEFAULT-VALUE})")
    private int depth = 6;

    @Option(names = "--heads", description = "attention heads (default ${DEFAULT-VALUE})")
    private int heads = 4;

    @Option(
            names = "--label-std",
            paramLabel = "STD",
            description = "start with labels this far apart, subclasses around their superclass; default: as the"
                    + " reference, 0.02 and no tiers")
    private @Nullable Double labelStd;

    @Option(
            names = "--label-dropout",
            description = "share of rows trained on the superclass (default ${DEFAULT-VALUE})")
    private double labelDropout = 0.1;

    @Option(names = "--mirror", description = "flip images left to right at random")
    private boolean mirror;

    @Option(names = "--prediction", description = "epsilon or v_prediction (default ${DEFAULT-VALUE})")
    private PredictionType prediction = PredictionType.EPSILON;

    @Option(
            names = "--timesteps",
            description = "which noise levels are trained: ${COMPLETION-CANDIDATES} (default" + " ${DEFAULT-VALUE})")
    private Timesteps timesteps = Timesteps.UNIFORM;

    @Option(
            names = "--min-snr",
            paramLabel = "GAMMA",
            description = "weight of min-SNR; 0: none (default ${DEFAULT-VALUE})")
    private double minSnr = 0;

    @Option(names = "--test", paramLabel = "DIR", description = "images of the same classes, to measure the loss on")
    private @Nullable Path test;

    @Option(names = "--guidance", description = "recommended guidance scale to save (default ${DEFAULT-VALUE})")
    private double guidance = 2;

    @Override
    public Integer call() throws IOException {
        TorchOps.prepareThread(training.threads, true);
        System.out.println("reading " + training.data);
        ImageFolder images = ImageFolder.read(training.data, training.size, count -> {});
        Taxonomy taxonomy = images.taxonomy();
        try (NDManager manager = TorchOps.newManager(Device.cpu())) {
            manager.getEngine().setRandomSeed(training.seed);
            TorchOps ops = TorchOps.load(manager);
            Codec codec = autoencoder == null ? new PixelCodec() : AutoencoderFiles.load(ops, manager, autoencoder);
            DiTConfig dit = new DiTConfig(
                    training.size / codec.downsampling(),
                    patch,
                    codec.latentChannels(),
                    width,
                    depth,
                    heads,
                    taxonomy.subclasses().size(),
                    taxonomy.superclasses().size(),
                    false);
            ModelConfig config = new ModelConfig(
                    name,
                    dit,
                    prediction,
                    NoiseSchedule.DIT,
                    autoencoder == null ? ModelConfig.PIXEL : ModelConfig.AUTOENCODER,
                    new ModelConfig.Defaults(guidance, dit.inChannels()));
            Map<String, NDArray> initial = initial(ops, manager, dit, taxonomy);
            long parameters = initial.values().stream().mapToLong(NDArray::size).sum();
            System.out.printf(
                    Locale.ROOT,
                    "%,d images of %d classes in %d superclasses; %,d parameters, %d tokens, %s%n",
                    images.count(),
                    dit.subclasses(),
                    dit.superclasses(),
                    parameters,
                    dit.tokens(),
                    training.dtype);
            Latents latents = encode(ops, manager, codec, images);
            try (AdamW optimizer = new AdamW(
                    ops, manager, initial, parameter -> !parameter.equals("pos_embed"), training.optimizer())) {
                LossCoefficients coefficients = new LossCoefficients(
                        NoiseSchedule.DIT, prediction, minSnr == 0 ? Double.POSITIVE_INFINITY : minSnr);
                Trainer trainer = new Trainer(ops, dit, coefficients, training.dtype, optimizer);
                BatchSampler sampler = new BatchSampler(
                        latents, training.batch, labelDropout, timesteps, NoiseSchedule.DIT, training.seed);
                HeldOutLoss heldOut = heldOut(ops, manager, codec, dit, coefficients, taxonomy);
                new TrainingRun(training, ops, manager, optimizer, List.of("mse", "vb"))
                        .run(
                                (step, rate) -> {
                                    Trainer.StepResult found = trainer.step(manager, sampler.batch(step), rate);
                                    return new double[] {found.mse(), found.vb(), found.gradNorm()};
                                },
                                averaged -> {
                                    save(ops, manager, codec, images, config, averaged);
                                    if (heldOut != null) {
                                        Path table = training.out.resolve("held-out-loss.tsv");
                                        heldOut.append(table, optimizer.stepsDone(), manager, averaged);
                                    }
                                });
            }
        }
        return 0;
    }

    private Map<String, NDArray> initial(TorchOps ops, NDManager manager, DiTConfig dit, Taxonomy taxonomy)
            throws IOException {
        if (from != null) {
            return DiTWeights.read(
                    ops, manager, Safetensors.open(ModelFiles.in(from).weights()), dit);
        }
        Map<String, NDArray> initial = DiTParameters.initialise(manager, dit);
        if (labelStd != null) {
            initial.putAll(DiTParameters.tieredLabels(manager, dit, taxonomy::superclassOf, labelStd));
        }
        return initial;
    }

    /** Encodes the images, or takes what an earlier run into the same directory has encoded. */
    private Latents encode(TorchOps ops, NDManager manager, Codec codec, ImageFolder images) throws IOException {
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

    private @Nullable HeldOutLoss heldOut(
            TorchOps ops,
            NDManager manager,
            Codec codec,
            DiTConfig dit,
            LossCoefficients coefficients,
            Taxonomy taxonomy)
            throws IOException {
        if (test == null) {
            return null;
        }
        ImageFolder images = ImageFolder.read(test, training.size, count -> {});
        if (!images.taxonomy().subclasses().equals(taxonomy.subclasses())) {
            throw new IOException(test + " has other classes than " + training.data
                    + "; expected images of the same classes, to measure the loss on");
        }
        return new HeldOutLoss(ops, dit, coefficients, Latents.encode(manager, codec, images, false));
    }

    private void save(
            TorchOps ops,
            NDManager manager,
            Codec codec,
            ImageFolder images,
            ModelConfig config,
            Map<String, NDArray> averaged)
            throws IOException {
        GenerativeModel.save(training.out, config, images.taxonomy(), training.forFile(averaged));
        if (autoencoder != null) {
            AutoencoderFiles.copy(autoencoder, training.out.resolve(ModelConfig.AUTOENCODER));
        }
        DiT dit = new DiT(ops, config.dit(), averaged, ComputeType.FP32);
        DiffusionModel model = new DiffusionModel(ops, dit, config.schedule(), config.prediction());
        new SampleSheet(images, codec, config.defaults()).write(training.out.resolve("samples.png"), model, manager);
    }
}
