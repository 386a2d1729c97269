package io.finestream.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class NoiseTest {

    private static final int SIZE = 200_000;

    /** The known answers of philox4x32-10 in the Random123 distribution, tests/kat_vectors. */
    @Test
    void generatorGivesTheKnownAnswers() {
        assertThat(Philox.block(0, 0, 0, 0, 0)).containsExactly(0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8);
        assertThat(Philox.block(-1, -1, -1, -1, -1)).containsExactly(0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd);
        assertThat(Philox.block(0x299f31d0a4093822L, 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344))
                .containsExactly(0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1);
    }

    @Test
    void numbersAreStandardNormal() {
        float[] noise = Noise.SEEDED.normal(42, 3, 5, SIZE);
        double[] moments = new double[5];
        int outsideOneSigma = 0;
        for (float x : noise) {
            assertThat(Float.isFinite(x)).isTrue();
            for (int power = 1; power < moments.length; power++) {
                moments[power] += Math.pow(x, power) / SIZE;
            }
            outsideOneSigma += Math.abs(x) > 1 ? 1 : 0;
        }
        assertThat(moments[1]).isEqualTo(0, within(0.01));
        assertThat(moments[2]).isEqualTo(1, within(0.015));
        assertThat(moments[3]).isEqualTo(0, within(0.04));
        assertThat(moments[4]).isEqualTo(3, within(0.1));
        assertThat(outsideOneSigma / (double) SIZE).isEqualTo(0.3173, within(0.005));
    }

    @Test
    void theEndsOfTheUniformRangeAreFinite() {
        assertThat(Philox.openUnit(0)).isPositive();
        assertThat(Philox.openUnit(-1)).isLessThan(1);
    }

    @Test
    void seedsSamplesAndDrawsGiveUncorrelatedStreams() {
        float[] noise = Noise.SEEDED.normal(1, 0, 0, SIZE);
        assertThat(correlation(noise, Noise.SEEDED.normal(2, 0, 0, SIZE))).isEqualTo(0, within(0.01));
        assertThat(correlation(noise, Noise.SEEDED.normal(1L << 32 | 1, 0, 0, SIZE)))
                .isEqualTo(0, within(0.01));
        assertThat(correlation(noise, Noise.SEEDED.normal(1, 1, 0, SIZE))).isEqualTo(0, within(0.01));
        assertThat(correlation(noise, Noise.SEEDED.normal(1, 0, 1, SIZE))).isEqualTo(0, within(0.01));
        assertThat(correlation(Noise.SEEDED.normal(1, 1, 0, SIZE), Noise.SEEDED.normal(1, 0, 1, SIZE)))
                .isEqualTo(0, within(0.01));
    }

    @Test
    void sameArgumentsGiveTheSameBytes() {
        assertThat(Noise.SEEDED.normal(-5, 7, 9, 33)).isEqualTo(Noise.SEEDED.normal(-5, 7, 9, 33));
    }

    @Test
    void aShorterDrawIsThePrefixOfALonger() {
        float[] longer = Noise.SEEDED.normal(11, 2, 4, 64);
        for (int size = 0; size <= 64; size++) {
            assertThat(Noise.SEEDED.normal(11, 2, 4, size)).isEqualTo(Arrays.copyOf(longer, size));
        }
    }

    private static double correlation(float[] a, float[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += a[i] * b[i];
        }
        return sum / a.length;
    }
}
