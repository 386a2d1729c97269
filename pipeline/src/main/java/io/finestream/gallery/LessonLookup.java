package io.finestream.gallery;

import io.finestream.schemas.LabeledImage;
import io.finestream.schemas.OffsetRange;
import io.finestream.schemas.wire.AvroCodec;
import io.finestream.schemas.wire.RegistryException;
import io.finestream.schemas.wire.WireFormat;
import io.finestream.schemas.wire.WireFormatException;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** Looks at the labeled images behind the offsets in a commit record, the last ones of each partition. */
final class LessonLookup implements AutoCloseable {

    private static final int MOST_RECORDS = 300; // of a range: they are whole image files
    private static final Duration PATIENCE = Duration.ofSeconds(3); // for a range
    private static final Duration POLL = Duration.ofMillis(250);

    private final AvroCodec<LabeledImage> codec;
    private final KafkaConsumer<byte[], byte[]> consumer;

    /** @param properties of a consumer without a group */
    LessonLookup(Map<String, Object> properties, WireFormat format) {
        codec = new AvroCodec<>(LabeledImage.class, format);
        consumer = new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    /** @param publishedAt time of the version */
    Lesson of(List<OffsetRange> ranges, Instant publishedAt) {
        Map<String, Integer> images = new LinkedHashMap<>();
        long last = Long.MIN_VALUE;
        boolean isWhole = true;
        for (OffsetRange range : ranges) {
            TopicPartition partition = new TopicPartition(range.getTopic(), range.getPartition());
            long from = Math.max(range.getFirstOffset(), range.getLastOffset() + 1 - MOST_RECORDS);
            try {
                consumer.assign(List.of(partition));
                long begin =
                        consumer.beginningOffsets(List.of(partition), PATIENCE).getOrDefault(partition, 0L);
                from = Math.max(from, begin);
                isWhole &= from == range.getFirstOffset();
                consumer.seek(partition, from);
                long deadline = System.nanoTime() + PATIENCE.toNanos();
                while (from <= range.getLastOffset() && System.nanoTime() < deadline) {
                    for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
                        if (record.offset() <= range.getLastOffset()) {
                            count(record, images);
                            last = Math.max(last, record.timestamp());
                        }
                    }
                    from = consumer.position(partition, PATIENCE);
                }
                isWhole &= from > range.getLastOffset();
            } catch (TimeoutException e) {
                isWhole = false; // the topic may be gone
            }
        }
        return new Lesson(
                images,
                isWhole,
                last == Long.MIN_VALUE ? null : Duration.between(Instant.ofEpochMilli(last), publishedAt));
    }

    private void count(ConsumerRecord<byte[], byte[]> record, Map<String, Integer> images) {
        if (record.value() == null) {
            return;
        }
        try {
            images.merge(codec.decode(record.value()).getSubclass().strip(), 1, Integer::sum);
        } catch (WireFormatException | RegistryException e) {
            // the fine-tuning job has refused it, and said so in a dead letter
        }
    }

    @Override
    public void close() {
        consumer.close();
    }
}
