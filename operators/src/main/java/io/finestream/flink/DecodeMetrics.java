package io.finestream.flink;

import io.finestream.schemas.StageTimings;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Histogram;
import org.apache.flink.metrics.MeterView;
import org.apache.flink.metrics.MetricGroup;

/**
 * What is told about images that are done: how many, and how long each stage took. The decoder's thread alone counts.
 *
 * @param images done
 * @param queuedMillis from being read to the first step
 * @param denoiseMillis in steps
 * @param decodeMillis from latent to pixels
 * @param encodeMillis from pixels to the file
 * @param totalMillis from the request's timestamp to the file
 */
record DecodeMetrics(
        Counter images,
        Histogram queuedMillis,
        Histogram denoiseMillis,
        Histogram decodeMillis,
        Histogram encodeMillis,
        Histogram totalMillis) {

    static DecodeMetrics in(MetricGroup group) {
        Counter images = group.counter("images");
        group.meter("imagesPerSecond", new MeterView(images));
        return new DecodeMetrics(
                images,
                RecentValues.in(group, "queuedMillis"),
                RecentValues.in(group, "denoiseMillis"),
                RecentValues.in(group, "decodeMillis"),
                RecentValues.in(group, "encodeMillis"),
                RecentValues.in(group, "totalMillis"));
    }

    void done(StageTimings timings) {
        images.inc();
        queuedMillis.update(Math.round(timings.getQueuedMillis()));
        denoiseMillis.update(Math.round(timings.getDenoiseMillis()));
        decodeMillis.update(Math.round(timings.getDecodeMillis()));
        encodeMillis.update(Math.round(timings.getEncodeMillis()));
        totalMillis.update(Math.round(timings.getTotalMillis()));
    }
}
