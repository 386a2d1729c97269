package io.finestream.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.finestream.dit.ComputeType;
import io.finestream.dit.DiTConfig;
import io.finestream.torch.TorchOps;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ForwardBenchTest {

    private static final DiTConfig SMALL = DiTConfig.published("S/8", 64, 10, 1, false);

    @TempDir
    Path dir;

    @Test
    void aPassIsTimedInEveryArithmeticAndComparedWithItsCeiling() throws IOException {
        TorchOps.prepareThread(1, false);
        List<ComputeType> types = List.of(ComputeType.FP32, ComputeType.BF16);
        try (Ceiling ceiling = new Ceiling(1)) {
            List<Measurement> lines = new ForwardBench(Map.of("small", SMALL), 2, 1).run(dir, types, ceiling);
            assertThat(lines).extracting(Measurement::type).isEqualTo(types);
            for (Measurement line : lines) {
                assertThat(line.what()).isEqualTo("small, 2 rows of 1 tokens");
                double seconds = Objects.requireNonNull(line.millis()) / 1e3;
                double gflops = Objects.requireNonNull(line.gflopsPerSecond());
                assertThat(gflops * 1e9 * seconds).isCloseTo(2 * 2 * SMALL.multiplyAdds(), within(1e3));
                Measurement.Share share =
                        Objects.requireNonNull(line.under(ceiling).share());
                double reachable = ceiling.flopsPerSecond(Objects.requireNonNull(line.type()));
                assertThat(share.fraction()).isPositive().isCloseTo(gflops * 1e9 / reachable, within(1e-9));
                assertThat(share.of()).isEqualTo(String.valueOf(line.type()));
            }
        }
    }
}
