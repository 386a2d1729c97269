package io.finestream.docker;

import io.finestream.schemas.GeneratedImage;
import io.finestream.schemas.GenerationRequest;
import io.finestream.schemas.wire.AvroCodec;
import io.finestream.schemas.wire.WireFormat;
import io.finestream.schemas.wire.WireFormatException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.awaitility.Awaitility;

/** The images of a topic as a user's {@code read_committed} consumer sees them, from the first on, and when. */
final class CommittedImages implements AutoCloseable {

    private static final Duration PATIENCE = Duration.ofMinutes(Integer.getInteger("cluster.minutes", 5));
    private static final Duration POLL = Duration.ofMillis(100);

    private final AvroCodec<GeneratedImage> codec =
            new AvroCodec<>(GeneratedImage.class, new WireFormat.SingleObject());
    private final KafkaConsumer<byte[], byte[]> consumer;
    private final List<GeneratedImage> images = new CopyOnWriteArrayList<>();
    private final List<Instant> arrivals = new CopyOnWriteArrayList<>(); // one for each batch of images
    private final Thread reader = new Thread(this::read, "images");

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
        CommittedImages images = new CommittedImages(consumer);
        images.reader.start();
        return images;
    }

    private void read() {
        try {
            while (true) {
                List<GeneratedImage> batch = new ArrayList<>();
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
                    batch.add(codec.decode(record.value()));
                }
                if (!batch.isEmpty()) {
                    arrivals.add(Instant.now());
                    images.addAll(batch);
                }
            }
        } catch (WakeupException closing) {
            consumer.close();
        } catch (WireFormatException e) {
            throw new IllegalStateException(e); // what is awaited will not come
        }
    }

    /** All images from the first on, when there are {@code count}. */
    List<GeneratedImage> await(int count) {
        Awaitility.await(count + " images").atMost(PATIENCE).pollInterval(POLL).until(() -> images.size() >= count);
        return List.copyOf(images);
    }

    void awaitRequest(GenerationRequest request) {
        Awaitility.await(request.getRequestId())
                .atMost(PATIENCE)
                .pollInterval(POLL)
                .until(() -> images.stream()
                                .filter(image -> image.getRequestId().equals(request.getRequestId()))
                                .count()
                        >= request.getCount());
    }

    int size() {
        return images.size();
    }

    /** The longest time without an image, from a moment on until now. */
    Duration longestSilence(Instant from) {
        Duration longest = Duration.ZERO;
        Instant last = from;
        for (Instant arrival : arrivals) {
            if (arrival.isAfter(from)) {
                Duration silence = Duration.between(last, arrival);
                longest = silence.compareTo(longest) > 0 ? silence : longest;
                last = arrival;
            }
        }
        return longest;
    }

    void assertThatNoneFollows(Duration quiet) {
        int before = images.size();
        Awaitility.await("no more images")
                .pollInterval(POLL)
                .during(quiet)
                .atMost(quiet.plusSeconds(1))
                .until(() -> images.size() == before);
    }

    @Override
    public void close() throws InterruptedException {
        consumer.wakeup();
        reader.join();
    }
}
