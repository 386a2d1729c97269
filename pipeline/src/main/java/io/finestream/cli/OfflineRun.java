package io.finestream.cli;

import ai.djl.ndarray.NDManager;
import io.finestream.diffusion.DenoiseBatch;
import io.finestream.diffusion.DenoiseBatch.Finished;
import io.finestream.diffusion.DiffusionModel;
import io.finestream.diffusion.Noise;
import io.finestream.diffusion.SampleSpec;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.function.IntConsumer;

/**
 * Denoises a list of samples with one model, in a running batch, without Kafka or Flink.
 *
 * @param maxRows most rows of one pass of the network
 * @param noise where the samples' noise comes from
 * @param owner of the batch's memory, on the model's device
 */
record OfflineRun(DiffusionModel model, int maxRows, Noise noise, NDManager owner) {

    /** Receives each sample when it is done; its tag is its place in the list. */
    interface Sink {
        void accept(Finished<Integer> sample) throws IOException;
    }

    /**
     * What it took.
     *
     * @param steps passes of the network
     * @param rows of all passes
     */
    record Summary(int images, long steps, long rows, Duration time) {
        double imagesPerSecond() {
            return images / Math.max(1e-9, time.toNanos() / 1e9);
        }

        double rowsPerStep() {
            return steps == 0 ? 0 : (double) rows / steps;
        }
    }

    /**
     * Runs the samples; they are done in no particular order.
     *
     * @param afterStep told how many samples the last pass moved on, for a progress bar
     */
    Summary run(List<SampleSpec> samples, Sink sink, IntConsumer afterStep) throws IOException {
        long start = System.nanoTime();
        try (DenoiseBatch<Integer> batch = new DenoiseBatch<>(model, maxRows, noise, owner)) {
            int next = 0;
            while (next < samples.size() || !batch.isEmpty()) {
                while (next < samples.size() && batch.hasRoomFor(samples.get(next))) {
                    batch.admit(next, samples.get(next));
                    next++;
                }
                int inFlight = batch.size();
                for (Finished<Integer> finished : batch.step()) {
                    sink.accept(finished);
                }
                afterStep.accept(inFlight);
            }
            Duration time = Duration.ofNanos(System.nanoTime() - start);
            return new Summary(samples.size(), batch.stepsDone(), batch.rowsDone(), time);
        }
    }
}
