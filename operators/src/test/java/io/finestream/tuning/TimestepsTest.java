package io.finestream.tuning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.finestream.diffusion.NoiseSchedule;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class TimestepsTest {

    private static final NoiseSchedule SCHEDULE = NoiseSchedule.DIT;
    private static final double[] ALPHA_BARS = SCHEDULE.alphaBars();

    @Test
    void uniformTakesOneOfEachSlice() {
        int[] t = Timesteps.UNIFORM.draw(10, SCHEDULE, new SplittableRandom(1));
        for (int b = 0; b < 10; b++) {
            assertThat(t[b]).isBetween(100 * b, 100 * b + 99);
        }
    }

    @Test
    void middleDrawsTheRatioOfNoiseToSignalLogNormallyInThreeRowsOfFour() {
        int[] t = Timesteps.MIDDLE.draw(40_000, SCHEDULE, new SplittableRandom(1));
        double[] logRatios = new double[30_000];
        int[] uniform = new int[10_000];
        for (int b = 0, i = 0, u = 0; b < t.length; b++) {
            if (b % 4 == 0) {
                uniform[u++] = t[b];
            } else {
                logRatios[i++] = 0.5 * Math.log((1 - ALPHA_BARS[t[b]]) / ALPHA_BARS[t[b]]);
            }
        }
        double mean = Arrays.stream(logRatios).average().orElseThrow();
        double variance = Arrays.stream(logRatios)
                .map(x -> (x - mean) * (x - mean))
                .average()
                .orElseThrow();
        assertThat(mean).isEqualTo(0, within(0.03));
        assertThat(Math.sqrt(variance)).isEqualTo(1, within(0.03));
        assertThat(Arrays.stream(uniform).average().orElseThrow()).isEqualTo(499.5, within(2.0));
    }

    @Test
    void everyDrawIsATimestepOfTheSchedule() {
        NoiseSchedule narrow = new NoiseSchedule(4, 0.3, 0.4);
        for (Timesteps timesteps : Timesteps.values()) {
            assertThat(Arrays.stream(timesteps.draw(1000, narrow, new SplittableRandom(2)))
                            .distinct()
                            .toArray())
                    .containsExactlyInAnyOrder(0, 1, 2, 3);
        }
    }
}
