package io.finestream.bench;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import io.finestream.codec.AutoencoderConfig;
import io.finestream.codec.AutoencoderParameters;
import io.finestream.diffusion.NoiseSchedule;
import io.finestream.diffusion.PredictionType;
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

/** A model directory with a network of a published size, iNaturalist's number of classes and a small autoencoder. */
public final class RandomModel {

    private static final AutoencoderConfig AUTOENCODER =
            new AutoencoderConfig(3, 4, List.of(32, 32, 32, 32), 1, 32, AutoencoderConfig.DEFAULT_SCALING_FACTOR);
    private static final ModelConfig.Defaults DEFAULTS = new ModelConfig.Defaults(1.5, 3);

    private RandomModel() {}

    /**
     * Writes it; the network is in memory for the time.
     *
     * @param size as in {@code XL/2}
     */
    public static void write(Path directory, String size, int imageSize) throws IOException {
        DiTConfig dit = TunedNetwork.config(size, imageSize);
        Taxonomy taxonomy = new Taxonomy(
                IntStream.range(0, dit.superclasses())
                        .mapToObj(i -> "group " + i)
                        .toList(),
                IntStream.range(0, dit.subclasses())
                        .mapToObj(i -> new Taxonomy.Subclass("class " + i, i % dit.superclasses()))
                        .toList());
        try (NDManager manager = TorchOps.newManager(Device.cpu())) {
            GenerativeModel.save(
                    directory,
                    new ModelConfig(
                            size, dit, PredictionType.EPSILON, NoiseSchedule.DIT, ModelConfig.AUTOENCODER, DEFAULTS),
                    taxonomy,
                    DiTParameters.initialise(manager, dit));
            AutoencoderFiles.save(
                    directory.resolve(ModelConfig.AUTOENCODER),
                    AUTOENCODER,
                    imageSize,
                    AutoencoderParameters.initialise(manager, AUTOENCODER));
        }
    }
}
