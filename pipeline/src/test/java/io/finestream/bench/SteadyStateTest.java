package io.finestream.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SteadyStateTest {

    /** Ready times of batches of two: late at the start, and the last while the machine is free for it. */
    private static final long[] SLOT = {5_000, 5_001, 6_000, 6_001, 7_000, 7_001, 7_100, 7_101};

    @Test
    void theFirstAndTheLastBatchOfASlotDoNotCount() {
        try (CpuTimeline cpu = new CpuTimeline()) {
            assertThat(SteadyState.of(List.of(SLOT), 2, cpu).imagesPerSecond()).isCloseTo(4 / 2.0, within(1e-9));
        }
    }

    @Test
    void slotsAddUp() {
        long[] twiceAsSlow = {0, 1, 2_000, 2_001, 4_000, 4_001, 4_100, 4_101};
        try (CpuTimeline cpu = new CpuTimeline()) {
            assertThat(SteadyState.of(List.of(SLOT, twiceAsSlow), 2, cpu).imagesPerSecond())
                    .isCloseTo(4 / 2.0 + 4 / 4.0, within(1e-9));
        }
    }

    @Test
    void workTakesProcessorsTime() {
        long start = System.currentTimeMillis();
        try (CpuTimeline cpu = new CpuTimeline()) {
            double sum = 0;
            while (System.currentTimeMillis() < start + 300) {
                sum += Math.sqrt(sum + 1);
            }
            assertThat(sum).isPositive();
            long[] everyTenth =
                    IntStream.range(0, 30).mapToLong(i -> start + 10 * i).toArray();
            assertThat(SteadyState.of(List.of(everyTenth), 2, cpu).cpuMillisPerImage())
                    .isPositive();
        }
    }

    @Test
    void aRunWithoutAMiddleIsRefused() {
        try (CpuTimeline cpu = new CpuTimeline()) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> SteadyState.of(List.of(SLOT), 3, cpu))
                    .withMessageContaining("8 images in batches of 3, expected three batches at least");
        }
    }

    @Test
    void ofTwoRunsEachNumberIsTheBetter() {
        assertThat(new SteadyState(10, 7).orBetter(new SteadyState(9, 6))).isEqualTo(new SteadyState(10, 6));
    }
}
