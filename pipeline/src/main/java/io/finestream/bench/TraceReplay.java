package io.finestream.bench;

import ai.djl.ndarray.NDManager;
import io.finestream.diffusion.DenoiseBatch;
import io.finestream.diffusion.Noise;
import io.finestream.diffusion.SampleSpec;
import io.finestream.weights.GenerativeModel;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntConsumer;

/**
 * Serves requests in real time on the thread that calls, whose settings are the engine's.
 *
 * @param maxRows most rows of one pass of the network
 */
public record TraceReplay(GenerativeModel model, int maxRows) {

    private static final int WARM_UP = 2; // passes
    private static final int FILLER = -1; // in place of a request's number

    /**
     * A request that was served. Its time runs from the arrival that the trace says, whoever looked when.
     *
     * @param answeredSeconds until it was answered
     * @param doneSeconds until its image was done; the answer may have waited for others
     * @param latent of the image, [C, H, W]
     */
    public record Served(double answeredSeconds, double doneSeconds, float[] latent) {}

    /**
     * A replay.
     *
     * @param served in the order of the trace
     * @param steps passes of the network
     * @param rows of all passes
     * @param seconds from the trace's beginning to the last answer
     * @param busySeconds of them in the network
     */
    public record Result(List<Served> served, long steps, long rows, double seconds, double busySeconds) {}

    private record Done(int request, long atNanos, float[] latent) {}

    /** Rows per second while the batch is full, without end, of these requests. */
    public double rowsPerSecond(List<SampleSpec> specs, Duration duration) {
        try (NDManager manager = model.newManager();
                DenoiseBatch<Integer> batch = newBatch(manager)) {
            int next = 0;
            long rowsBefore = 0;
            long start = System.nanoTime();
            while (batch.stepsDone() <= WARM_UP || System.nanoTime() - start < duration.toNanos()) {
                while (batch.hasRoomFor(specs.get(next % specs.size()))) {
                    batch.admit(next, specs.get(next % specs.size()));
                    next++;
                }
                if (batch.stepsDone() == WARM_UP) {
                    rowsBefore = batch.rowsDone();
                    start = System.nanoTime();
                }
                batch.step();
            }
            return (batch.rowsDone() - rowsBefore) / seconds(System.nanoTime() - start);
        }
    }

    /**
     * Serves every request of a trace.
     *
     * @param answered told how many requests were answered, each time that some are
     */
    public Result run(Trace trace, Batching batching, IntConsumer answered) {
        List<SampleSpec> specs = trace.specs(model);
        try (NDManager manager = model.newManager();
                DenoiseBatch<Integer> batch = newBatch(manager)) {
            Queue queue = new Queue(trace);
            Served[] served = new Served[specs.size()];
            List<Done> unanswered = new ArrayList<>();
            int left = specs.size();
            long busy = 0;
            long now = 0;
            int stepsLeft = 0; // of the batch, where it was formed as a whole
            while (left > 0) {
                queue.takeArrivals();
                boolean wasEmpty = batch.isEmpty();
                batching.admit(queue.waiting, specs, batch);
                if (batch.isEmpty()) {
                    queue.awaitArrival();
                    continue;
                }
                stepsLeft = wasEmpty ? longest(batch, specs) : stepsLeft;
                long before = queue.nanos();
                List<DenoiseBatch.Finished<Integer>> finished = batch.step();
                now = queue.nanos();
                busy += now - before;
                stepsLeft--;
                for (DenoiseBatch.Finished<Integer> image : finished) {
                    if (image.tag() == FILLER) {
                        continue;
                    }
                    unanswered.add(new Done(image.tag(), now, image.latent()));
                    if (batching.keepsRows() && stepsLeft > 0) {
                        batch.admit(FILLER, filler(image.spec(), stepsLeft));
                    }
                }
                if (unanswered.isEmpty() || !(batching.answersAsTheyAreDone() || batch.isEmpty())) {
                    continue;
                }
                for (Done done : unanswered) {
                    long arrived = queue.arrivalNanos(done.request());
                    served[done.request()] =
                            new Served(seconds(now - arrived), seconds(done.atNanos() - arrived), done.latent());
                }
                left -= unanswered.size();
                answered.accept(unanswered.size());
                unanswered.clear();
            }
            return new Result(List.of(served), batch.stepsDone(), batch.rowsDone(), seconds(now), seconds(busy));
        }
    }

    private static int longest(DenoiseBatch<Integer> batch, List<SampleSpec> specs) {
        return batch.progress().stream()
                .mapToInt(sample -> specs.get(sample.tag()).steps())
                .max()
                .orElseThrow();
    }

    /** As many rows as a request that is done, until the batch is. */
    private static SampleSpec filler(SampleSpec done, int steps) {
        return new SampleSpec(
                done.subclass(), done.superclass(), done.seed(), done.sample(), done.guidance(), done.sampler(), steps);
    }

    private DenoiseBatch<Integer> newBatch(NDManager manager) {
        return new DenoiseBatch<>(model.diffusion(), maxRows, Noise.SEEDED, manager);
    }

    private static double seconds(long nanos) {
        return nanos / 1e9;
    }

    /** The requests of a trace as time goes by. */
    private static final class Queue {
        final Deque<Integer> waiting = new ArrayDeque<>();
        private final Trace trace;
        private final long start = System.nanoTime();
        private int arrived;

        Queue(Trace trace) {
            this.trace = trace;
        }

        /** Since the trace began. */
        long nanos() {
            return System.nanoTime() - start;
        }

        long arrivalNanos(int request) {
            return trace.arrivals().get(request).atMicros() * 1000;
        }

        void takeArrivals() {
            while (arrived < trace.arrivals().size() && arrivalNanos(arrived) <= nanos()) {
                waiting.add(arrived++);
            }
        }

        void awaitArrival() {
            LockSupport.parkNanos(arrivalNanos(arrived) - nanos());
        }
    }
}
