package io.finestream.bench;

import io.finestream.dit.ComputeType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A batch of guided images that fills the row budget, from noise to latents.
 *
 * @param rows most rows of one pass
 * @param repeats in turns with the ceiling
 */
record TrajectoryBench(Path model, int rows, int repeats) {

    private static final class Case {
        final ComputeType type;
        final Workload load;
        final ShortestTime time = new ShortestTime();
        long rowsDone;

        Case(ComputeType type, Workload load) {
            this.type = type;
            this.load = load;
        }

        void run() {
            time.of(() -> rowsDone = load.denoise(load.batchSize(), image -> image, done -> {}));
        }
    }

    List<Measurement> run(List<ComputeType> types, Ceiling ceiling) throws IOException {
        List<Case> cases = new ArrayList<>();
        try {
            for (ComputeType type : types) {
                cases.add(new Case(type, new Workload(MachineBench.load(model, type), rows)));
            }
            for (int i = 0; i <= repeats; i++) { // the first warms up
                for (Case one : cases) {
                    ceiling.again(one.type);
                    one.run();
                }
            }
            return cases.stream().flatMap(one -> measurements(one).stream()).toList();
        } finally {
            cases.forEach(one -> one.load.model().close());
        }
    }

    private static List<Measurement> measurements(Case one) {
        int images = one.load.batchSize();
        long nanos = one.time.nanos();
        double flops = 2 * one.load.model().config().dit().multiplyAdds() * one.rowsDone;
        return List.of(
                Measurement.of(Part.TRAJECTORY, "%d guided images, %d steps".formatted(images, Workload.STEPS))
                        .in(one.type)
                        .tookNanos(nanos)
                        .made(images, "images", nanos),
                Measurement.of(Part.TRAJECTORY, "the rows of their passes")
                        .in(one.type)
                        .tookNanos((double) nanos / one.rowsDone)
                        .made(one.rowsDone, "rows", nanos)
                        .computed(flops, nanos));
    }
}
