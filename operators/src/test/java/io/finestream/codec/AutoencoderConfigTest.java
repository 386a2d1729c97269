package io.finestream.codec;

import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import org.junit.jupiter.api.Test;

class AutoencoderConfigTest {

    @Test
    void aWidthThatTheGroupsDoNotDivideIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new AutoencoderConfig(3, 4, List.of(32, 50), 1, 8, 1))
                .withMessageContaining("50")
                .withMessageContaining("8");
    }

    @Test
    void aScalingFactorThatIsNotPositiveIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new AutoencoderConfig(3, 4, List.of(32), 1, 8, 0))
                .withMessageContaining("scaling_factor is 0.0");
    }
}
