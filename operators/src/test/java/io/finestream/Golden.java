package io.finestream;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.finestream.diffusion.DiffusionModel;
import io.finestream.diffusion.NoiseSchedule;
import io.finestream.diffusion.PredictionType;
import io.finestream.dit.ComputeType;
import io.finestream.dit.DiT;
import io.finestream.dit.DiTConfig;
import io.finestream.dit.DiTParameters;
import io.finestream.torch.TorchOps;
import io.finestream.weights.DiTWeights;
import io.finestream.weights.Safetensors;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;

/**
 * Numbers made by the reference programs (FineDiffusion/FineDiffusion@ffd2b24 with torch 1.13, float32 on the CPU), and
 * the small network with random weights that they were made with. {@code golden/README.md} says what each file holds.
 */
public final class Golden implements AutoCloseable {

    public static final DiTConfig CONFIG = new DiTConfig(8, 2, 4, 48, 2, 4, 12, 3, false);

    public final NDManager manager = TorchOps.newManager(Device.cpu());
    public final TorchOps ops = TorchOps.load(manager);

    public Golden() {
        TorchOps.prepareThread(2, false);
    }

    public static Path file(String name) {
        try {
            return Path.of(Golden.class.getResource("/golden/" + name).toURI());
        } catch (URISyntaxException e) {
            throw new AssertionError(e);
        }
    }

    public NDArray tensor(String file, String name) throws IOException {
        return Safetensors.open(file(file)).map(ops, manager, name);
    }

    public int[] ints(String file, String name) throws IOException {
        return Arrays.stream(tensor(file, name).toLongArray())
                .mapToInt(Math::toIntExact)
                .toArray();
    }

    public Map<String, NDArray> weights() throws IOException {
        return DiTWeights.in(Safetensors.open(file("dit.safetensors")), CONFIG).readAll(ops, manager);
    }

    public DiT dit(ComputeType type) throws IOException {
        return new DiT(ops, CONFIG, DiTParameters.castForInference(ops, manager, weights(), type), type);
    }

    public DiffusionModel model(ComputeType type) throws IOException {
        return new DiffusionModel(ops, dit(type), NoiseSchedule.DIT, PredictionType.EPSILON);
    }

    /** ‖a − b‖ / ‖b‖. */
    public static double relativeError(float[] actual, float[] expected) {
        assertThat(actual).hasSameSizeAs(expected);
        double difference = 0;
        double norm = 0;
        for (int i = 0; i < expected.length; i++) {
            difference += Math.pow(actual[i] - expected[i], 2);
            norm += Math.pow(expected[i], 2);
        }
        return difference == 0 ? 0 : Math.sqrt(difference / norm);
    }

    /** Asserts the relative error and prints it, so that a build log shows what was reached. */
    public static void assertClose(String what, NDArray actual, NDArray expected, double tolerance) {
        assertThat(actual.getShape()).as(what).isEqualTo(expected.getShape());
        assertClose(what, actual.toFloatArray(), expected.toFloatArray(), tolerance);
    }

    public static void assertClose(String what, float[] actual, float[] expected, double tolerance) {
        double error = relativeError(actual, expected);
        System.out.printf("golden %-44s relative error %.1e (allowed %.0e)%n", what, error, tolerance);
        assertThat(error).as(what).isLessThanOrEqualTo(tolerance);
    }

    @Override
    public void close() {
        manager.close();
    }
}
