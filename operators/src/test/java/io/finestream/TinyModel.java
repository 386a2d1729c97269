package io.finestream;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import io.finestream.diffusion.NoiseSchedule;
import io.finestream.diffusion.PredictionType;
import io.finestream.dit.DiTConfig;
import io.finestream.dit.DiTParameters;
import io.finestream.dit.Taxonomy;
import io.finestream.torch.TorchOps;
import io.finestream.weights.GenerativeModel;
import io.finestream.weights.ModelConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** A model directory with random weights, small enough for a test: 6 classes in 2 superclasses, 8 x 8 pixels. */
public final class TinyModel {

    public static final int CLASSES = 6;

    private TinyModel() {}

    /** Writes the directory; the same seed gives the same weights. */
    public static Path write(Path directory, int seed) {
        Taxonomy taxonomy = new Taxonomy(
                List.of("round", "square"),
                IntStream.range(0, CLASSES)
                        .mapToObj(i -> new Taxonomy.Subclass("class " + i, i % 2))
                        .toList());
        DiTConfig dit = new DiTConfig(8, 2, 3, 48, 2, 4, CLASSES, 2, false);
        ModelConfig config = new ModelConfig(
                "tiny", dit, PredictionType.V_PREDICTION, NoiseSchedule.DIT, "pixel", new ModelConfig.Defaults(2, 3));
        try (NDManager manager = TorchOps.newManager(Device.cpu())) {
            manager.getEngine().setRandomSeed(seed);
            Map<String, NDArray> weights = new LinkedHashMap<>();
            // the reference's initial values make the identity: every layer must matter here
            DiTParameters.initialise(manager, dit)
                    .forEach((name, initial) -> weights.put(
                            name,
                            name.equals("pos_embed")
                                    ? initial
                                    : initial.add(
                                            manager.randomNormal(0f, 0.05f, initial.getShape(), DataType.FLOAT32))));
            GenerativeModel.save(directory, config, taxonomy, weights);
            return directory;
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
