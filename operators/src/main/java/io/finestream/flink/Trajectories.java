package io.finestream.flink;

import io.finestream.diffusion.DenoiseBatch;
import io.finestream.diffusion.SampleSpec;
import io.finestream.dit.Taxonomy;
import io.finestream.schemas.PendingRequest;
import io.finestream.schemas.Shortening;
import io.finestream.schemas.Trajectory;
import io.finestream.weights.GenerativeModel;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.List;

/**
 * Trajectories as records, and as the batch knows them.
 *
 * @param model the base model
 */
record Trajectories(GenerativeModel model, RequestResolver resolver) {

    /**
     * The next sample of a request, at its start.
     *
     * @param taxonomy of {@code version}
     */
    Trajectory next(PendingRequest from, long version, Taxonomy taxonomy) {
        int subclass = from.getSubclassId();
        int superclass = taxonomy.superclassOf(subclass);
        return Trajectory.newBuilder()
                .setRequest(from.getRequest())
                .setSample(from.getNextSample())
                .setSubclassId(subclass)
                .setSubclass(taxonomy.subclassName(subclass))
                .setSuperclassId(superclass)
                .setSuperclass(taxonomy.superclassName(superclass))
                .setModelVersion(version)
                .setBaseModelHash(model.baseHash())
                .setStep(0)
                .setLatent(ByteBuffer.allocate(0))
                .setShortenings(List.of())
                .setEnqueuedAt(from.getEnqueuedAt())
                .setStartedAt(Instant.now())
                .setSourceTopic(from.getSourceTopic())
                .setSourcePartition(from.getSourcePartition())
                .setSourceOffset(from.getSourceOffset())
                .setSourceTimestamp(from.getSourceTimestamp())
                .build();
    }

    /** What the sample looks like. */
    SampleSpec spec(Trajectory trajectory) {
        SampleSpec spec = resolver.spec(
                trajectory.getRequest(),
                trajectory.getSubclassId(),
                trajectory.getSuperclassId(),
                trajectory.getSample());
        for (Shortening shortening : trajectory.getShortenings()) {
            spec = spec.shortened(shortening.getStep(), shortening.getStepsLeft());
        }
        return spec;
    }

    /**
     * A saved trajectory where it was.
     *
     * @throws IllegalStateException if it was begun with another model
     */
    DenoiseBatch.InFlight<Trajectory> resume(Trajectory saved) {
        if (!saved.getBaseModelHash().equals(model.baseHash())) {
            throw new IllegalStateException("the saved trajectories were begun with the base model "
                    + saved.getBaseModelHash() + ", this job runs " + model.baseHash()
                    + "; start it with that model, or without the saved state");
        }
        if (saved.getSubclass().isEmpty()) { // saved before classes could be added
            Taxonomy taxonomy = model.taxonomy();
            int superclass = taxonomy.superclassOf(saved.getSubclassId());
            saved.setSubclass(taxonomy.subclassName(saved.getSubclassId()));
            saved.setSuperclassId(superclass);
            saved.setSuperclass(taxonomy.superclassName(superclass));
        }
        List<float[]> history =
                saved.getHistory().stream().map(LatentBytes::floats).toList();
        return new DenoiseBatch.InFlight<>(saved, spec(saved), saved.getStep(), latent(saved), history);
    }

    /** The record of a trajectory in the middle of its way. */
    static Trajectory save(DenoiseBatch.InFlight<Trajectory> sample) {
        return at(sample.tag(), sample.step(), sample.latent(), sample.history());
    }

    /** The record of a trajectory at its end. */
    static Trajectory finish(DenoiseBatch.Finished<Trajectory> sample) {
        return at(sample.tag(), sample.spec().steps(), sample.latent(), List.of());
    }

    private static Trajectory at(Trajectory trajectory, int step, float[] latent, List<float[]> history) {
        trajectory.setStep(step);
        trajectory.setLatent(LatentBytes.of(latent));
        trajectory.setHistory(history.stream().map(LatentBytes::of).toList());
        return trajectory;
    }

    /** The latent after the steps done, [C, H, W] flattened. */
    static float[] latent(Trajectory trajectory) {
        return LatentBytes.floats(trajectory.getLatent());
    }
}
