package io.finestream.docker;

import io.finestream.schemas.GeneratedImage;
import io.finestream.schemas.wire.AvroCodec;
import io.finestream.schemas.wire.WireFormat;
import io.finestream.schemas.wire.WireFormatException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.awaitility.Awaitility;

/** The images of a topic as a user's {@code read_committed} consumer sees them, from the first on. */
final class CommittedImages implements AutoCloseable {

    private static final Duration PATIENCE = Duration.ofMinutes(Integer.getInteger("cluster.minutes", 4));
    private static final Duration POLL = Duration.ofMillis(100);

    private final AvroCodec<GeneratedImage> codec =
            new AvroCodec<>(GeneratedImage.class, new WireFormat.SingleObject());
    private final KafkaConsumer<byte[], byte[]> consumer;
    private final List<GeneratedImage> seen = new ArrayList<>();

    private CommittedImages(KafkaConsumer<byte[], byte[]> consumer) {
        this.consumer = consumer;
    }

    static CommittedImages of(String bootstrapServers, String topic) {
        KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(
                Map.of("bootstrap.servers", bootstrapServers, "isolation.level", "read_committed"),
                new ByteArrayDeserializer(),
                new ByteArrayDeserializer());
        List<TopicPartition> partitions = IntStream.range(
                        0, consumer.partitionsFor(topic).size())
                .mapToObj(partition -> new TopicPartition(topic, partition))
                .toList();
        consumer.assign(partitions);
        consumer.seekToBeginning(partitions);
        return new CommittedImages(consumer);
    }

    /** All images from the first on, when there are {@code count}. */
    List<GeneratedImage> await(int count) {
        Awaitility.await(count + " images").atMost(PATIENCE).pollInterval(POLL).until(() -> {
            poll();
            return seen.size() >= count;
        });
        return List.copyOf(seen);
    }

    /** How long it takes until an image comes that was not there when this was called. */
    Duration untilNext() {
        poll();
        int before = seen.size();
        Instant start = Instant.now();
        await(before + 1);
        return Duration.between(start, Instant.now());
    }

    void assertThatNoneFollows(Duration quiet) {
        int before = seen.size();
        Awaitility.await("no more images")
                .pollInterval(POLL)
                .during(quiet)
                .atMost(quiet.plusSeconds(1))
                .until(() -> {
                    poll();
                    return seen.size() == before;
                });
    }

    private void poll() {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
            try {
                seen.add(codec.decode(record.value()));
            } catch (WireFormatException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    @Override
    public void close() {
        consumer.close();
    }
}
