package io.finestream.gallery;

import io.finestream.schemas.HeldBackCandidate;
import io.finestream.schemas.ParameterSlice;
import io.finestream.schemas.ParameterVersion;
import io.finestream.schemas.wire.AvroCodec;
import io.finestream.schemas.wire.WireFormat;
import io.finestream.schemas.wire.WireFormatException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads the commit records of the parameters topic in a thread of its own, from the first to whatever comes, and tells of
 * each version, and of what did not become one; of a version a second time when the labeled images that it was trained on
 * have been looked at.
 */
final class VersionTimeline implements AutoCloseable {

    /** Called by the timeline's one thread. */
    interface Listener {
        /**
         * A version was published, or more is known about it.
         *
         * @param offset of its commit record, which names it: two publishers may take one number
         * @param lesson null: not known yet
         */
        void version(long offset, ParameterVersion version, @Nullable Lesson lesson);

        /** The gate did not let one become a version. */
        void heldBack(long offset, HeldBackCandidate candidate);
    }

    private record Commit(long offset, ParameterVersion version) {}

    private static final Logger LOG = LoggerFactory.getLogger(VersionTimeline.class);

    private static final int LESSONS_LOOKED_AT = 100; // of those that are there at the start, the newest
    private static final Duration SHORT_POLL = Duration.ofMillis(10); // between two lessons

    private final Map<String, Object> properties;
    private final TopicPartition partition;
    private final WireFormat format;
    private final AvroCodec<ParameterSlice> sliceCodec;
    private final AvroCodec<ParameterVersion> commitCodec;
    private final AvroCodec<HeldBackCandidate> heldBackCodec;
    private final Listener listener;
    private final Deque<Commit> waiting = new ArrayDeque<>(); // for their lessons
    private final KafkaReader reader;
    private long next; // offset

    /** @param topic of the parameters */
    VersionTimeline(Map<String, Object> clientProperties, String topic, WireFormat format, Listener listener) {
        properties = KafkaReader.properties(clientProperties, "earliest");
        this.partition = new TopicPartition(topic, 0);
        this.format = format;
        this.listener = listener;
        sliceCodec = new AvroCodec<>(ParameterSlice.class, format);
        commitCodec = new AvroCodec<>(ParameterVersion.class, format);
        heldBackCodec = new AvroCodec<>(HeldBackCandidate.class, format);
        reader = new KafkaReader("gallery-versions", properties, this::follow);
    }

    void start() {
        reader.start();
    }

    private void follow(KafkaConsumer<byte[], byte[]> consumer) {
        try (LessonLookup lessons = new LessonLookup(properties, format)) {
            follow(consumer, lessons);
        }
    }

    private void follow(KafkaConsumer<byte[], byte[]> consumer, LessonLookup lessons) {
        while (!isThere(consumer)) {
            if (reader.closed(KafkaReader.RETRY)) {
                return;
            }
        }
        consumer.assign(List.of(partition));
        consumer.seek(partition, next);
        while (!reader.closed(Duration.ZERO)) {
            for (ConsumerRecord<byte[], byte[]> record :
                    consumer.poll(waiting.isEmpty() ? KafkaReader.POLL : SHORT_POLL)) {
                next = record.offset() + 1;
                if (record.value() != null) {
                    read(record.offset(), record.value());
                }
            }
            if (!waiting.isEmpty() && atEnd(consumer)) {
                Commit commit = waiting.removeLast(); // the newest first
                listener.version(
                        commit.offset,
                        commit.version,
                        lessons.of(commit.version.getTrainedOffsets(), commit.version.getCreatedAt()));
            }
        }
    }

    private boolean isThere(KafkaConsumer<byte[], byte[]> consumer) {
        List<PartitionInfo> partitions = consumer.partitionsFor(partition.topic());
        return partitions != null && !partitions.isEmpty();
    }

    private boolean atEnd(KafkaConsumer<byte[], byte[]> consumer) {
        return consumer.currentLag(partition).orElse(1) == 0;
    }

    private void read(long offset, byte[] value) {
        try {
            if (heldBackCodec.holds(value)) {
                listener.heldBack(offset, heldBackCodec.decode(value));
            } else if (!sliceCodec.holds(value)) {
                ParameterVersion version = commitCodec.decode(value);
                listener.version(offset, version, null);
                waiting.addLast(new Commit(offset, version));
                if (waiting.size() > LESSONS_LOOKED_AT) {
                    waiting.removeFirst();
                }
            }
        } catch (WireFormatException e) {
            LOG.warn("the record at offset {} of {} is no version: {}", offset, partition.topic(), e.getMessage());
        }
    }

    @Override
    public void close() {
        reader.close();
    }
}
