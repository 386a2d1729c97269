package io.finestream.dit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.finestream.torch.TorchOps;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class DiTParametersTest {

    private static final DiTConfig CONFIG = new DiTConfig(8, 4, 3, 256, 1, 2, 6, 2, false);

    @Test
    void tieredLabelsStartAroundTheirSuperclass() {
        try (NDManager manager = TorchOps.newManager(Device.cpu())) {
            Map<String, NDArray> tables = DiTParameters.tieredLabels(manager, CONFIG, subclass -> subclass % 2, 0.5);
            NDArray fine = Objects.requireNonNull(tables.get(DiTParameters.SUBCLASS_TABLE));
            NDArray coarse = Objects.requireNonNull(tables.get(DiTParameters.SUPERCLASS_TABLE));
            assertThat(fine.getShape()).isEqualTo(new Shape(6, 256));
            assertThat(coarse.getShape()).isEqualTo(new Shape(2, 256));
            for (int subclass = 0; subclass < 6; subclass++) {
                assertThat(spread(fine.get(subclass).sub(coarse.get(subclass % 2))))
                        .isEqualTo(0.5, within(0.1));
                assertThat(spread(fine.get(subclass).sub(coarse.get(1 - subclass % 2))))
                        .isGreaterThan(0.7);
            }
        }
    }

    private static double spread(NDArray row) {
        return Math.sqrt(row.square().mean().getFloat());
    }
}
