package io.finestream.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.offset;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import org.junit.jupiter.api.Test;

class PrepackedLinearTest {

    @Test
    void aPrepackedWeightGivesTheProductOfThePlainOne() {
        try (NDManager m = TorchOps.newManager(Device.cpu())) {
            TorchOps ops = TorchOps.load(m);
            NDArray x = m.randomNormal(new Shape(6, 32));
            NDArray weight = m.randomNormal(new Shape(48, 32));
            NDArray bias = m.randomNormal(new Shape(48));
            NDArray packed = ops.packWeight(m, weight);
            assertThat(ops.linear(m, x, packed, bias).toFloatArray())
                    .containsExactly(ops.linear(m, x, weight, bias).toFloatArray(), offset(1e-4f));
        }
    }
}
