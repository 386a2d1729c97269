package io.finestream.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.finestream.torch.TorchOps;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class TrainBenchTest {

    @Test
    void aTrainingStepIsTimedByFineDiffusionAndInFull() {
        TorchOps.prepareThread(1, false);
        try (Ceiling ceiling = new Ceiling(1)) {
            List<Measurement> lines = new TrainBench("S/8", 64, 2, 1).run(1, ceiling);
            assertThat(lines)
                    .extracting(Measurement::what)
                    .containsExactly("S/8, 2 images, full", "S/8, 2 images, fine-diffusion");
            double full = Objects.requireNonNull(lines.get(0).millis());
            double few = Objects.requireNonNull(lines.get(1).millis());
            assertThat(Objects.requireNonNull(lines.get(1).share()).fraction()).isCloseTo(few / full, within(1e-9));
        }
    }
}
