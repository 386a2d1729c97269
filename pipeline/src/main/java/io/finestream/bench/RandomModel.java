package io.finestream.bench;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import io.finestream.codec.AutoencoderConfig;
import io.finestream.codec.AutoencoderParameters;
import io.finestream.diffusion.NoiseSchedule;
import io.finestream.diffusion.PredictionType;
import io.finestream.dit.ComputeType;
import io.finestream.dit.DiTConfig;
import io.finestream.dit.DiTParameters;
import io.finestream.dit.Taxonomy;
import io.finestream.torch.TorchOps;
import io.finestream.weights.AutoencoderFiles;
import io.finestream.weights.GenerativeModel;
import io.finestream.weights.ModelConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A model directory with fresh weights, so that a network of any size is loaded and computed as a trained one is.
 *
 * @param directory of its own
 */
public record RandomModel(Path directory) {

    /** As small as one can be: it is not measured. */
    private static final AutoencoderConfig AUTOENCODER =
            new AutoencoderConfig(3, 4, List.of(8), 1, 8, AutoencoderConfig.DEFAULT_SCALING_FACTOR);

    /** @param config of latents with 4 channels */
    public static RandomModel write(Path directory, String name, DiTConfig config) throws IOException {
        int superclasses = Math.max(1, config.superclasses());
        Taxonomy taxonomy = new Taxonomy(
                IntStream.range(0, superclasses).mapToObj(i -> "group " + i).toList(),
                IntStream.range(0, config.subclasses())
                        .mapToObj(i -> new Taxonomy.Subclass("class " + i, i % superclasses))
                        .toList());
        try (NDManager manager = TorchOps.newManager(Device.cpu())) {
            GenerativeModel.save(
                    directory,
                    new ModelConfig(
                            name,
                            config,
                            PredictionType.EPSILON,
                            NoiseSchedule.DIT,
                            ModelConfig.AUTOENCODER,
                            new ModelConfig.Defaults(4, 3)),
                    taxonomy,
                    DiTParameters.initialise(manager, config));
            AutoencoderFiles.save(
                    directory.resolve(ModelConfig.AUTOENCODER),
                    AUTOENCODER,
                    config.inputSize() * AUTOENCODER.downsampling(),
                    AutoencoderParameters.initialise(manager, AUTOENCODER));
        }
        return new RandomModel(directory);
    }

    GenerativeModel load(ComputeType type) throws IOException {
        return MachineBench.load(directory, type);
    }
}
