package io.finestream.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import org.junit.jupiter.api.Test;

class PixelDifferenceTest {

    private static final byte[] DARK = {0, 10, 20, (byte) 255};
    private static final byte[] LIGHT = {(byte) 200, 10, 21, (byte) 254};

    @Test
    void levelsAreComparedWithoutTheirSign() {
        assertThat(PixelDifference.between(List.of(DARK, DARK), List.of(LIGHT, DARK)))
                .isEqualTo(new PixelDifference(2, 1, (200 + 1 + 1) / 8.0, 200));
    }

    @Test
    void imagesWithoutCounterpartsAreRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> PixelDifference.between(List.of(DARK), List.of()))
                .withMessageContaining("there are 1 images and 0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> PixelDifference.between(List.of(DARK), List.of(new byte[3])))
                .withMessageContaining("has 4 levels, its counterpart 3");
    }
}
