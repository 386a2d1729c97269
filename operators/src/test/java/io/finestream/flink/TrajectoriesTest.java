package io.finestream.flink;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Device;
import io.finestream.TinyModel;
import io.finestream.diffusion.SampleSpec;
import io.finestream.dit.ComputeType;
import io.finestream.schemas.PendingRequest;
import io.finestream.schemas.Trajectory;
import io.finestream.weights.GenerativeModel;
import java.nio.file.Path;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrajectoriesTest {

    @TempDir
    Path directory;

    @Test
    void aTrajectoryThatWasSavedBeforeClassesCouldBeAddedGetsItsNames() throws Exception {
        Path files = TinyModel.write(directory, 1);
        try (GenerativeModel model = GenerativeModel.load(files, Device.cpu(), ComputeType.FP32)) {
            Trajectories trajectories = new Trajectories(model, new RequestResolver(model.config(), 1));
            PendingRequest request = PendingRequest.newBuilder()
                    .setRequest(DenoiseHarness.request("r", 5, 1))
                    .setSubclassId(3)
                    .setNextSample(0)
                    .setSourceTopic("requests")
                    .setSourcePartition(0)
                    .setSourceOffset(0)
                    .setSourceTimestamp(Instant.EPOCH)
                    .setEnqueuedAt(Instant.EPOCH)
                    .build();
            Trajectory saved = trajectories.next(request, 0, model.taxonomy());
            SampleSpec spec = trajectories.spec(saved);
            saved.setSubclass("");
            saved.setSuperclassId(-1);
            saved.setSuperclass("");
            Trajectory resumed = trajectories.resume(saved).tag();
            assertThat(trajectories.spec(resumed)).isEqualTo(spec);
            assertThat(resumed.getSubclass()).isEqualTo("class 3");
            assertThat(resumed.getSuperclass()).isEqualTo("square");
        }
    }
}
