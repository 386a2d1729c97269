package io.finestream.flink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import ai.djl.Device;
import java.util.Set;
import org.junit.jupiter.api.Test;

class DevicesTest {

    private static final Set<String> NONE = Set.of();

    @Test
    void allGpusOfTheMachineMayBeTakenWhereFlinkHandsOutNone() {
        assertThat(Devices.candidates("auto", 2, NONE)).containsExactly(Device.gpu(0), Device.gpu(1));
        assertThat(Devices.candidates("gpu", 2, NONE)).containsExactly(Device.gpu(0), Device.gpu(1));
        assertThat(Devices.candidates("cpu", 2, NONE)).containsExactly(Device.cpu());
    }

    @Test
    void onlyThoseThatFlinkHandsOutMayBeTaken() {
        assertThat(Devices.candidates("auto", 4, Set.of("3", "1"))).containsExactly(Device.gpu(1), Device.gpu(3));
        assertThat(Devices.candidates("cpu", 4, Set.of("3", "1"))).containsExactly(Device.cpu());
    }

    @Test
    void whereFlinkNumbersThemInAnotherWayThoseThatTheEngineSeesAreTaken() {
        assertThat(Devices.candidates("gpu", 1, Set.of("5"))).containsExactly(Device.gpu(0));
        assertThat(Devices.candidates("gpu", 1, Set.of("GPU-8f1c"))).containsExactly(Device.gpu(0));
    }

    @Test
    void withoutAGpuTheProcessorIsTakenUnlessOneIsDemanded() {
        assertThat(Devices.candidates("auto", 0, NONE)).containsExactly(Device.cpu());
        assertThat(Devices.candidates("auto", 0, Set.of("0"))).containsExactly(Device.cpu());
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Devices.candidates("gpu", 0, Set.of("0")))
                .withMessage("device gpu was demanded, but the engine sees no GPU; use auto or cpu, or install the CUDA"
                        + " build of the engine");
    }

    @Test
    void anUnknownDeviceIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Devices.candidates("cuda", 1, NONE))
                .withMessage("device 'cuda' is unknown, expected auto, cpu or gpu");
    }
}
