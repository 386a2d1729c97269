package io.finestream.diffusion;

import java.util.LinkedHashMap;
import java.util.Map;

/** The plans that trajectories of one model were last given; a plan is made once for all that share it. */
final class Plans {

    private static final int MOST = 256;

    private record Key(Sampler sampler, int steps) {}

    private final DiffusionModel model;
    private final Map<Key, SamplingPlan> newest = new LinkedHashMap<>(MOST, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Key, SamplingPlan> eldest) {
            return size() > MOST;
        }
    };

    Plans(DiffusionModel model) {
        this.model = model;
    }

    /** @throws IllegalArgumentException if its number of steps is not in 1..T */
    SamplingPlan of(SampleSpec spec) {
        return newest.computeIfAbsent(
                new Key(spec.sampler(), spec.steps()),
                key -> SamplingPlan.of(model.schedule(), model.prediction(), key.sampler(), key.steps()));
    }
}
