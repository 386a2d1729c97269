package io.finestream.autotune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import ai.djl.Device;
import io.finestream.dit.ComputeType;
import io.finestream.dit.DiT;
import io.finestream.dit.DiTConfig;
import io.finestream.dit.Kernels;
import io.finestream.torch.TorchOps;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AutotuneTest {

    private static final DiTConfig NETWORK = new DiTConfig(16, 2, 4, 128, 3, 4, 12, 3, false);

    @TempDir
    Path folder;

    @Test
    void whatIsGivenStaysAndTheRestIsDecided() {
        ComputeSettings given = new ComputeSettings(ComputeType.FP32, null, 0, 1);
        ComputePlan plan = given.plan(NETWORK, Device.cpu(), 2);
        assertThat(plan.type()).isEqualTo(ComputeType.FP32);
        assertThat(plan.threads()).isEqualTo(1);
        assertThat(plan.rows()).isBetween(2, 128);
        assertThat(plan.settings().plan(NETWORK, Device.cpu(), 2)).isEqualTo(plan);
        assertThat(Autotune.slots(plan, NETWORK)).isIn(1, Autotune.processors());
    }

    @Test
    void rowsOfTheKernelsThatAreChosenDoNotDependOnTheirBatch() {
        TorchOps.prepareThread(1, false);
        ComputePlan plan = new ComputeSettings(ComputeType.FP32, null, 8, 1).plan(NETWORK, Device.cpu(), 1);
        try (Probe probe = new Probe(NETWORK, Device.cpu())) {
            DiT chosen = probe.block(plan.type(), plan.kernels()).orElseThrow();
            assertThat(probe.isInvariant(chosen)).isTrue();
        }
    }

    @Test
    void deterministicSettingsMeasureNothing() {
        assertThat(ComputeSettings.DETERMINISTIC.plan(NETWORK, Device.cpu(), 1_000))
                .isEqualTo(new ComputePlan(ComputeType.FP32, Kernels.DETERMINISTIC, 24, 1));
    }

    @Test
    void whatWasMeasuredIsKeptForTheMachineAndTheNetwork() throws IOException {
        Path file = folder.resolve("cache/autotune.json");
        AtomicInteger measurements = new AtomicInteger();
        MeasuredChoices choices = new MeasuredChoices(file, "a machine");
        Kernels fastest = Kernels.parse("products-packed");
        for (int i = 0; i < 2; i++) {
            assertThat(choices.kernels(ComputeType.FP32, () -> {
                        measurements.incrementAndGet();
                        return fastest;
                    }))
                    .isEqualTo(fastest);
        }
        assertThat(measurements).hasValue(1);
        assertThat(file).content().contains("a machine").contains("products-packed");
        assertThat(new MeasuredChoices(file, "another machine").kernels(ComputeType.FP32, () -> Kernels.DETERMINISTIC))
                .isEqualTo(Kernels.DETERMINISTIC);
        assertThat(file).content().contains("a machine").contains("another machine");
    }

    @Test
    void aFileThatIsDamagedIsMeasuredAgain() throws IOException {
        Path file = Files.writeString(folder.resolve("autotune.json"), "{");
        MeasuredChoices choices = new MeasuredChoices(file, "a machine");
        assertThat(choices.type(() -> ComputeType.BF16)).isEqualTo(ComputeType.BF16);
        assertThat(file).content().contains("BF16");
    }

    @Test
    void whereNothingCanBeWrittenTheChoiceHoldsForTheProcess() throws IOException {
        Path file = Files.writeString(folder.resolve("no folder"), "").resolve("autotune.json");
        MeasuredChoices choices = new MeasuredChoices(file, "a machine");
        assertThat(choices.rows(ComputeType.FP32, Kernels.DETERMINISTIC, 1, () -> 16))
                .isEqualTo(16);
        assertThat(choices.rows(ComputeType.FP32, Kernels.DETERMINISTIC, 1, () -> 8))
                .isEqualTo(16);
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 1})
    void aBudgetThatHoldsNoGuidedSampleIsRefused(int rows) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ComputeSettings.MEASURED.withRows(rows))
                .withMessageContaining("max rows is " + rows)
                .withMessageContaining("at least 2");
    }

    @Test
    void kernelsThatDoNotExistAreRefusedWithThoseThatDo() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Kernels.parse("fast"))
                .withMessageContaining("'fast'")
                .withMessageContaining("fused, fused-packed, products, products-packed");
    }
}
