package io.finestream.cli;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.finestream.codec.AutoencoderConfig;
import io.finestream.codec.AutoencoderKL;
import io.finestream.codec.AutoencoderParameters;
import io.finestream.diffusion.Noise;
import io.finestream.torch.TorchOps;
import io.finestream.tuning.AdamW;
import io.finestream.tuning.AutoencoderTrainer;
import io.finestream.tuning.ImageFolder;
import io.finestream.tuning.LatentStatistics;
import io.finestream.weights.AutoencoderFiles;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "train-autoencoder",
        mixinStandardHelpOptions = true,
        description = {
            "Trains an autoencoder, whose latents 'train' can learn in place of pixels, from a folder of images,",
            "and writes it as diffusers does. Run it again to go on where it stopped."
        },
        footer = {"", "Example:", "  finestream train-autoencoder --data flowers --out vae --dtype bf16"})
final class TrainAutoencoderCommand implements Callable<Integer> {

    @Mixin
    private TrainingOptions training = new TrainingOptions(4_000, 2e-3);

    @Option(names = "--test", paramLabel = "DIR", description = "other images, to measure the reconstruction on")
    private @Nullable Path test;

    @Option(
            names = "--channels",
            split = ",",
            paramLabel = "N",
            description = "of each level; each but the last halves the sides (default ${DEFAULT-VALUE})")
    private List<Integer> channels = List.of(32, 48, 64);

    @Option(names = "--layers", description = "residual blocks per level (default ${DEFAULT-VALUE})")
    private int layers = 1;

    @Option(names = "--latent-channels", description = "of the latents (default ${DEFAULT-VALUE})")
    private int latentChannels = 4;

    @Option(names = "--groups", description = "of the group norms (default ${DEFAULT-VALUE})")
    private int groups = 8;

    @Option(names = "--edges", paramLabel = "WEIGHT", description = "of the edges' error (default ${DEFAULT-VALUE})")
    private double edgeWeight = 1;

    @Option(names = "--kl", paramLabel = "WEIGHT", description = "of the KL divergence (default ${DEFAULT-VALUE})")
    private double klWeight = 2e-3;

    @Override
    public Integer call() throws IOException {
        TorchOps.prepareThread(training.threads, true);
        AutoencoderConfig config = new AutoencoderConfig(3, latentChannels, channels, layers, groups, 1);
        System.out.println("reading " + training.data);
        ImageFolder images = ImageFolder.read(training.data, training.size, count -> {});
        try (NDManager manager = TorchOps.newManager(Device.cpu())) {
            manager.getEngine().setRandomSeed(training.seed);
            TorchOps ops = TorchOps.load(manager);
            Map<String, NDArray> initial = AutoencoderParameters.initialise(manager, config);
            long parameters = initial.values().stream().mapToLong(NDArray::size).sum();
            System.out.printf(
                    Locale.ROOT,
                    "%,d images of %d x %d; %,d parameters, latents of %d x %d x %d, %s%n",
                    images.count(),
                    training.size,
                    training.size,
                    parameters,
                    latentChannels,
                    training.size / config.downsampling(),
                    training.size / config.downsampling(),
                    training.dtype);
            try (AdamW optimizer = new AdamW(ops, manager, initial, name -> true, training.optimizer())) {
                AutoencoderTrainer trainer =
                        new AutoencoderTrainer(ops, config, training.dtype, optimizer, edgeWeight, klWeight);
                new TrainingRun(training, ops, manager, optimizer, List.of("error", "edges", "kl", "psnr"))
                        .run(
                                (step, rate) -> step(manager, config, images, trainer, step, rate),
                                averaged -> save(ops, manager, config, images, averaged));
            }
            if (test != null) {
                TorchOps.recordGradients(false);
                ImageFolder unseen = ImageFolder.read(test, training.size, count -> {});
                AutoencoderKL autoencoder = AutoencoderFiles.load(ops, manager, training.out);
                System.out.printf(
                        Locale.ROOT,
                        "reconstruction of %,d other images: PSNR %.2f dB%n",
                        unseen.count(),
                        new Reconstructions(autoencoder, unseen, manager).psnr());
            }
        }
        return 0;
    }

    private double[] step(
            NDManager manager,
            AutoencoderConfig config,
            ImageFolder images,
            AutoencoderTrainer trainer,
            long step,
            double rate) {
        SplittableRandom random = new SplittableRandom(training.seed * 1_000_003L + step);
        try (NDManager m = manager.newSubManager()) {
            NDArray batch = images.batch(m, training.batch, random);
            long side = training.size / config.downsampling();
            Shape latents = new Shape(training.batch, latentChannels, side, side);
            float[] noise = Noise.SEEDED.normal(training.seed, 0, Math.toIntExact(step), (int) latents.size());
            AutoencoderTrainer.StepResult found = trainer.step(m, batch, m.create(noise, latents), rate);
            return new double[] {found.pixels(), found.edges(), found.kl(), found.psnr(), found.gradNorm()};
        }
    }

    private void save(
            TorchOps ops,
            NDManager manager,
            AutoencoderConfig config,
            ImageFolder images,
            Map<String, NDArray> averaged)
            throws IOException {
        try (NDManager m = manager.newSubManager()) {
            Map<String, NDArray> standardised =
                    LatentStatistics.of(ops, m, config, averaged, images).standardise(m, averaged);
            AutoencoderFiles.save(training.out, config, training.size, training.forFile(standardised));
            AutoencoderKL autoencoder = AutoencoderFiles.load(ops, m, training.out);
            new Reconstructions(autoencoder, images, m).writePng(training.out.resolve("reconstructions.png"));
        }
    }
}
