package io.finestream.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import ai.djl.ndarray.types.Shape;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class AutoencoderConfigTest {

    private static final AutoencoderConfig STABLE_DIFFUSION =
            new AutoencoderConfig(3, 4, List.of(128, 256, 512, 512), 2, 32, 0.18215);

    @Test
    void parametersOfStableDiffusionsAutoencoderHaveThePublishedCount() {
        Map<String, Shape> shapes = AutoencoderParameters.shapes(STABLE_DIFFUSION);
        assertThat(shapes).hasSize(248);
        assertThat(shapes.values().stream().mapToLong(Shape::size).sum()).isEqualTo(83_653_863);
        assertThat(STABLE_DIFFUSION.downsampling()).isEqualTo(8);
    }

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
