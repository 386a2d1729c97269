package io.finestream.diffusion;

import static io.finestream.Golden.assertClose;
import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.index.NDIndex;
import io.finestream.Golden;
import io.finestream.dit.ComputeType;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class SamplerGoldenTest {

    private static final Golden GOLDEN = new Golden();

    @AfterAll
    static void close() {
        GOLDEN.close();
    }

    @ParameterizedTest
    @EnumSource
    void ancestralTrajectoryWithRecordedNoiseEqualsTheReference(ComputeType type) throws IOException {
        NDArray noise = GOLDEN.tensor("ddpm.safetensors", "noise"); // [steps, N, C, H, W]
        trajectoryEqualsReference("ddpm.safetensors", new Sampler.Ddpm(), noise, type);
    }

    @ParameterizedTest
    @EnumSource
    void deterministicTrajectoryEqualsTheReference(ComputeType type) throws IOException {
        trajectoryEqualsReference("ddim.safetensors", new Sampler.Ddim(0), null, type);
    }

    @ParameterizedTest
    @CsvSource({
        "FP32, dpmpp2m-10",
        "FP32, dpmpp2m-20",
        "BF16, dpmpp2m-10",
        "BF16, dpmpp2m-20",
    })
    void dpmSolverTrajectoryEqualsTheReference(ComputeType type, String file) throws IOException {
        trajectoryEqualsReference(file + ".safetensors", new Sampler.DpmSolverPp(), null, type);
    }

    @ParameterizedTest
    @CsvSource({
        "FP32, unipc-10",
        "FP32, unipc-20",
        "BF16, unipc-10",
        "BF16, unipc-20",
    })
    void uniPcTrajectoryEqualsTheReference(ComputeType type, String file) throws IOException {
        trajectoryEqualsReference(file + ".safetensors", new Sampler.UniPc(), null, type);
    }

    @Test
    void timestepsAreThoseOfTheReference() throws IOException {
        assertThat(new Sampler.Ddpm().timesteps(NoiseSchedule.DIT, 10))
                .containsExactly(GOLDEN.ints("ddpm.safetensors", "timestep_map"));
        assertThat(new Sampler.Ddim(0).timesteps(NoiseSchedule.DIT, 10))
                .containsExactly(GOLDEN.ints("ddim.safetensors", "timestep_map"));
        for (int steps : new int[] {10, 20}) {
            assertThat(visited(new Sampler.DpmSolverPp(), steps))
                    .containsExactly(GOLDEN.ints("dpmpp2m-" + steps + ".safetensors", "timesteps"));
            assertThat(visited(new Sampler.UniPc(), steps))
                    .containsExactly(GOLDEN.ints("unipc-" + steps + ".safetensors", "timesteps"));
        }
    }

    private static int[] visited(Sampler sampler, int steps) {
        return SamplingPlan.of(NoiseSchedule.DIT, PredictionType.EPSILON, sampler, steps).steps().stream()
                .mapToInt(SamplingPlan.Step::t)
                .toArray();
    }

    private static void trajectoryEqualsReference(
            String file, Sampler sampler, @Nullable NDArray stepNoise, ComputeType type) throws IOException {
        double tolerance = type == ComputeType.FP32 ? 1e-4 : 2e-2; // the worst seen: 8.6e-7 and 9.8e-3, both DDPM
        NDArray initial = GOLDEN.tensor(file, "x_T"); // [N, C, H, W]
        NDArray states = GOLDEN.tensor(file, "states"); // [steps, N, C, H, W]
        int steps = (int) states.getShape().get(0);
        double worst = 0;
        Noise recorded = (seed, sample, draw, size) -> (draw == 0
                        ? initial.get(sample)
                        : Objects.requireNonNull(stepNoise).get(new NDIndex(draw - 1, sample)))
                .toFloatArray();
        int[] subclass = GOLDEN.ints(file, "subclass");
        int[] superclassOf = GOLDEN.ints(file, "superclass_of");
        try (DenoiseBatch<Integer> batch = new DenoiseBatch<>(GOLDEN.model(type), 8, recorded, GOLDEN.manager)) {
            for (int i = 0; i < subclass.length; i++) {
                Guidance guidance = Guidance.fineGrained(4.0, 3);
                batch.admit(i, new SampleSpec(subclass[i], superclassOf[subclass[i]], 0, i, guidance, sampler, steps));
            }
            List<DenoiseBatch.Finished<Integer>> finished = new ArrayList<>();
            for (int step = 0; step < steps; step++) {
                finished.addAll(batch.step());
                if (step < steps - 1) {
                    for (DenoiseBatch.InFlight<Integer> sample : batch.inFlight()) {
                        float[] expected =
                                states.get(new NDIndex(step, sample.tag())).toFloatArray();
                        double error = Golden.relativeError(sample.latent(), expected);
                        worst = Math.max(worst, error);
                        assertThat(error)
                                .as("%s sample %s after step %s", file, sample.tag(), step)
                                .isLessThanOrEqualTo(tolerance);
                    }
                }
            }
            NDArray reference = GOLDEN.tensor(file, "final");
            for (DenoiseBatch.Finished<Integer> sample : finished) {
                assertClose(
                        file + " " + type + " sample " + sample.tag(),
                        sample.latent(),
                        reference.get(sample.tag()).toFloatArray(),
                        tolerance);
            }
            assertThat(finished).hasSize(subclass.length);
            System.out.printf("golden %s %s: worst relative error on the way %.1e%n", file, type, worst);
        }
    }
}
