package io.finestream.flink;

import ai.djl.Device;
import io.finestream.autotune.ComputePlan;
import io.finestream.weights.GenerativeModel;
import io.finestream.weights.ModelFiles;
import io.finestream.weights.SharedModel;
import java.io.IOException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A subtask's share in the model, and how it is computed on this machine. */
record PlannedModel(SharedModel shared, ComputePlan plan) implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(PlannedModel.class);

    /**
     * Measures what the settings leave open, and loads the model unless another subtask has done so.
     *
     * @param slots that compute at once in this JVM
     */
    static PlannedModel open(GenerationSettings settings, int subtask, int slots) throws IOException {
        ModelFiles files = settings.model().locate();
        Device device = Devices.choose(settings.device(), subtask);
        ComputePlan plan = settings.compute().plan(files.readConfig().dit(), device, slots);
        LOG.info("subtask {} computes on {} with {}", subtask, device, plan);
        return new PlannedModel(SharedModel.acquire(files, device, plan.type(), plan.kernels()), plan);
    }

    /** Another share in the same copy, computed in the same way. */
    PlannedModel share() {
        return new PlannedModel(shared.share(), plan);
    }

    GenerativeModel model() {
        return shared.model();
    }

    @Override
    public void close() {
        shared.close();
    }
}
