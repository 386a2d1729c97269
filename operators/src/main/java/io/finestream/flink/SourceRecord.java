package io.finestream.flink;

import org.jspecify.annotations.Nullable;

/**
 * A Kafka record as it came, undecoded: what can not be read must still reach the dead letters.
 *
 * @param timestamp of the record, milliseconds since 1970-01-01 UTC
 */
public record SourceRecord(
        byte @Nullable [] key, byte @Nullable [] value, String topic, int partition, long offset, long timestamp) {}
