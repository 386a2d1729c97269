package io.finestream.flink;

import io.finestream.tuning.FineTuner;
import java.util.function.DoubleSupplier;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.Histogram;
import org.apache.flink.metrics.MeterView;
import org.apache.flink.metrics.MetricGroup;

/**
 * What the fine-tuning operator tells about itself.
 *
 * @param optimizerSteps done since the operator started, as all counters
 * @param optimizerStepMillis time of one
 * @param labeledImages taken in
 * @param candidatesPromoted that the gate let pass: each is a version
 * @param candidatesHeldBack by the gate
 * @param rollBacks to the last good state
 * @param labelToVersionMillis from the timestamp of the last labeled image to the version that learned it
 * @param deadLetters labeled images that can not be learned from
 */
record FineTuneMetrics(
        Counter optimizerSteps,
        Histogram optimizerStepMillis,
        Counter labeledImages,
        Counter candidatesPromoted,
        Counter candidatesHeldBack,
        Counter rollBacks,
        Histogram labelToVersionMillis,
        DeadLetterCounts deadLetters) {

    /** @param loss of the last step */
    static FineTuneMetrics in(MetricGroup group, FineTuner tuner, DoubleSupplier loss) {
        group.gauge("loss", (Gauge<Double>) loss::getAsDouble);
        group.gauge("modelVersion", (Gauge<Long>) tuner::version);
        group.gauge("freshImages", (Gauge<Integer>) () -> tuner.images().freshImages());
        group.gauge("replayImages", (Gauge<Integer>) () -> tuner.images().replayImages());
        ProcessMemory.register(group);
        Counter steps = group.counter("optimizerSteps");
        group.meter("optimizerStepsPerSecond", new MeterView(steps));
        return new FineTuneMetrics(
                steps,
                RecentValues.in(group, "optimizerStepMillis"),
                group.counter("labeledImages"),
                group.counter("candidatesPromoted"),
                group.counter("candidatesHeldBack"),
                group.counter("rollBacks"),
                RecentValues.in(group, "labelToVersionMillis"),
                new DeadLetterCounts(group));
    }
}
