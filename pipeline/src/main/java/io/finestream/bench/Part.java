package io.finestream.bench;

import java.util.Locale;

/** What {@link MachineBench} measures, in this order. */
public enum Part {
    /** Products of matrices: what a network can reach at most. */
    CEILING,
    /** One pass of networks of published widths. */
    FORWARD,
    /** A full batch of guided images, from noise to latents. */
    TRAJECTORY,
    /** Latents to pixels, pixels to files. */
    DECODE,
    /** A step of the optimizer. */
    TRAIN,
    /** Requests from Kafka through Flink to Kafka. */
    PIPELINE;

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
