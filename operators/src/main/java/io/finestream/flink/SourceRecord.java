package io.finestream.flink;

import io.finestream.schemas.DeadLetter;
import io.finestream.schemas.ReasonCode;
import java.nio.ByteBuffer;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A Kafka record as it came, undecoded: what can not be read must still reach the dead letters.
 *
 * @param timestamp of the record, milliseconds since 1970-01-01 UTC
 */
public record SourceRecord(
        byte @Nullable [] key, byte @Nullable [] value, String topic, int partition, long offset, long timestamp) {

    /** Of a dead letter's key and original: with both it still fits into a record. */
    private static final int MAX_ORIGINAL_BYTES = 1 << 20;

    /**
     * The record as a dead letter, rejected now.
     *
     * @param requestId of the request that it holds, where it could be read
     */
    DeadLetter deadLetter(@Nullable String requestId, ReasonCode code, String reason) {
        return DeadLetter.newBuilder()
                .setOriginal(bounded(value == null ? new byte[0] : value))
                .setKey(key == null ? null : bounded(key))
                .setReason(reason)
                .setReasonCode(code)
                .setRequestId(requestId)
                .setTopic(topic)
                .setPartition(partition)
                .setOffset(offset)
                .setTimestamp(Instant.ofEpochMilli(timestamp))
                .setRejectedAt(Instant.now())
                .build();
    }

    private static ByteBuffer bounded(byte[] bytes) {
        return ByteBuffer.wrap(bytes, 0, Math.min(bytes.length, MAX_ORIGINAL_BYTES));
    }
}
