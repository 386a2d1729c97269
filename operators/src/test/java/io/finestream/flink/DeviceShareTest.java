package io.finestream.flink;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Device;
import io.finestream.TinyModel;
import io.finestream.flink.DeviceShare.Subtask;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DeviceShareTest {

    private static final List<Device> TWO_GPUS = List.of(Device.gpu(0), Device.gpu(1));

    @TempDir
    Path directory;

    private final List<DeviceShare> taken = new ArrayList<>();

    @AfterEach
    void close() {
        taken.forEach(DeviceShare::close);
    }

    @Test
    void subtasksTakeGpusInTurn() {
        assertThat(IntStream.range(0, 4).mapToObj(i -> take("job", i).device()))
                .containsExactly(Device.gpu(0), Device.gpu(1), Device.gpu(0), Device.gpu(1));
    }

    @Test
    void subtasksThatOnlyHaveEvenNumbersHereDoNotMeetOnOneGpu() {
        assertThat(take("job", 0).device()).isEqualTo(Device.gpu(0));
        assertThat(take("job", 2).device()).isEqualTo(Device.gpu(1));
    }

    @Test
    void operatorsOfOneSubtaskAreOnOneGpu() {
        Device decoder = take("job", 0).device();
        take("job", 1);

        assertThat(take("job", 0).device()).isEqualTo(decoder);
    }

    @Test
    void anotherJobTakesTheGpuThatIsFree() {
        assertThat(take("generation", 0).device()).isEqualTo(Device.gpu(0));
        assertThat(take("fine-tuning", 0).device()).isEqualTo(Device.gpu(1));
    }

    @Test
    void aGpuIsFreeWhenTheLastShareOfItsSubtaskIsClosed() {
        DeviceShare denoiser = take("job", 0);
        DeviceShare previews = denoiser.share();
        denoiser.close();
        denoiser.close(); // closing twice gives back one share
        assertThat(take("job", 2).device()).isEqualTo(Device.gpu(1));

        previews.close();
        assertThat(take("job", 4).device()).isEqualTo(Device.gpu(0));
    }

    @Test
    void slotsOfOneTaskManagerHaveOneCopyOfTheModelForEachDevice() throws Exception {
        GenerationSettings settings =
                GenerationSettings.forModel(TinyModel.write(directory, 1).toString());
        try (DenoiseHarness first = new DenoiseHarness(settings, 2, 0);
                DenoiseHarness second = new DenoiseHarness(settings, 2, 1)) {
            first.open();
            second.open();

            assertThat(second.operator().planned().place().device())
                    .isEqualTo(first.operator().planned().place().device());
            assertThat(second.operator().planned().model())
                    .isSameAs(first.operator().planned().model());
        }
    }

    private DeviceShare take(String job, int subtask) {
        DeviceShare share = DeviceShare.take(new Subtask(job, subtask), TWO_GPUS);
        taken.add(share);
        return share;
    }
}
