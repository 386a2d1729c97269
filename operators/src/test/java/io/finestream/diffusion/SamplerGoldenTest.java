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
import org.junit.jupiter.params.provider.EnumSource;

class SamplerGoldenTest {

    private static final int STEPS = 10;
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

    @Test
    void timestepsAreThoseOfTheReference() throws IOException {
        assertThat(new Sampler.Ddpm().timesteps(NoiseSchedule.DIT, STEPS))
                .containsExactly(GOLDEN.ints("ddpm.safetensors", "timestep_map"));
        assertThat(new Sampler.Ddim(0).timesteps(NoiseSchedule.DIT, STEPS))
                .containsExactly(GOLDEN.ints("ddim.safetensors", "timestep_map"));
    }

    private static void trajectoryEqualsReference(
            String file, Sampler sampler, @Nullable NDArray stepNoise, ComputeType type) throws IOException {
        double tolerance = type == ComputeType.FP32 ? 1e-4 : 5e-2;
        NDArray initial = GOLDEN.tensor(file, "x_T"); // [N, C, H, W]
        NDArray states = GOLDEN.tensor(file, "states"); // [steps, N, C, H, W]
        Noise recorded = (seed, sample, draw, size) -> (draw == 0
                        ? initial.get(sample)
                        : Objects.requireNonNull(stepNoise).get(new NDIndex(draw - 1, sample)))
                .toFloatArray();
        int[] subclass = GOLDEN.ints(file, "subclass");
        int[] superclassOf = GOLDEN.ints(file, "superclass_of");
        try (DenoiseBatch<Integer> batch = new DenoiseBatch<>(GOLDEN.model(type), 8, recorded, GOLDEN.manager)) {
            for (int i = 0; i < subclass.length; i++) {
                Guidance guidance = Guidance.fineGrained(4.0, 3);
                batch.admit(i, new SampleSpec(subclass[i], superclassOf[subclass[i]], 0, i, guidance, sampler, STEPS));
            }
            List<DenoiseBatch.Finished<Integer>> finished = new ArrayList<>();
            for (int step = 0; step < STEPS; step++) {
                finished.addAll(batch.step());
                if (step < STEPS - 1) {
                    for (DenoiseBatch.InFlight<Integer> sample : batch.inFlight()) {
                        float[] expected =
                                states.get(new NDIndex(step, sample.tag())).toFloatArray();
                        assertThat(Golden.relativeError(sample.latent(), expected))
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
        }
    }
}
