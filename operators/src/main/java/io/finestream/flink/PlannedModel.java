package io.finestream.flink;

import io.finestream.autotune.ComputePlan;
import io.finestream.weights.GenerativeModel;
import io.finestream.weights.ModelFiles;
import io.finestream.weights.SharedModel;
import java.io.IOException;
import org.apache.flink.api.common.functions.RuntimeContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A subtask's share in the model, and how and on which device it is computed on this machine. */
record PlannedModel(SharedModel shared, ComputePlan plan, DeviceShare place) implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(PlannedModel.class);

    /**
     * Measures what the settings leave open, and loads the model unless another subtask has done so.
     *
     * @param slots that compute at once in this JVM
     */
    static PlannedModel open(GenerationSettings settings, RuntimeContext task, int slots) throws IOException {
        ModelFiles files = settings.model().locate();
        DeviceShare place = DeviceShare.take(settings.device(), task);
        try {
            ComputePlan plan = settings.compute().plan(files.readConfig().dit(), place.device(), slots);
            LOG.info("{} computes on {} with {}", task.getTaskInfo().getTaskNameWithSubtasks(), place.device(), plan);
            return new PlannedModel(
                    SharedModel.acquire(files, place.device(), plan.type(), plan.kernels()), plan, place);
        } catch (IOException | RuntimeException | Error e) {
            place.close();
            throw e;
        }
    }

    /** Another share in the same copy, computed in the same way. */
    PlannedModel share() {
        return new PlannedModel(shared.share(), plan, place.share());
    }

    GenerativeModel model() {
        return shared.model();
    }

    @Override
    public void close() {
        shared.close();
        place.close();
    }
}
