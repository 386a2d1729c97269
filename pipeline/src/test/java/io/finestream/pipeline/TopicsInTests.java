package io.finestream.pipeline;

import io.finestream.kafka.Topics;
import io.finestream.schemas.GeneratedImage;
import io.finestream.schemas.GenerationRequest;
import io.finestream.schemas.wire.AvroCodec;
import io.finestream.schemas.wire.WireFormat;
import io.finestream.schemas.wire.WireFormatException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.awaitility.Awaitility;

/** A user's producer and consumer, as far as tests need them. */
public final class TopicsInTests {

    private static final WireFormat WIRE = new WireFormat.SingleObject();

    private TopicsInTests() {}

    static KafkaProducer<byte[], byte[]> producer(Map<String, String> client) {
        return new KafkaProducer<>(new HashMap<>(client), new ByteArraySerializer(), new ByteArraySerializer());
    }

    /** Returns when the broker has them all. */
    static void produce(Map<String, String> client, Topics topics, List<GenerationRequest> requests)
            throws ExecutionException, InterruptedException {
        AvroCodec<GenerationRequest> codec = new AvroCodec<>(GenerationRequest.class, WIRE);
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        try (KafkaProducer<byte[], byte[]> producer = producer(client)) {
            for (GenerationRequest request : requests) {
                sent.add(producer.send(new ProducerRecord<>(
                        topics.requests(),
                        request.getRequestId().getBytes(StandardCharsets.UTF_8),
                        codec.encode(request))));
            }
        }
        for (Future<RecordMetadata> record : sent) {
            record.get();
        }
    }

    /** Waits for {@code count} committed images, from the beginning of the topic. */
    static void consumeImages(
            Map<String, String> client, Topics topics, int count, Duration patience, Consumer<GeneratedImage> each) {
        AvroCodec<GeneratedImage> codec = new AvroCodec<>(GeneratedImage.class, WIRE);
        consume(client, topics.images(), count, patience, record -> each.accept(decode(codec, record)));
    }

    /** Waits for {@code count} committed records. */
    static void consume(
            Map<String, String> client,
            String topic,
            int count,
            Duration patience,
            Consumer<ConsumerRecord<byte[], byte[]>> each) {
        AtomicInteger seen = new AtomicInteger();
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(client, topic)) {
            Awaitility.await(topic).atMost(patience).until(() -> {
                consumer.poll(Duration.ofMillis(200)).forEach(record -> {
                    each.accept(record);
                    seen.incrementAndGet();
                });
                return seen.get() >= count;
            });
        }
    }

    /** Every image that is committed now. */
    static List<GeneratedImage> committedImages(Map<String, String> client, Topics topics) {
        List<GeneratedImage> images = new ArrayList<>();
        AvroCodec<GeneratedImage> codec = new AvroCodec<>(GeneratedImage.class, WIRE);
        committed(client, topics.images(), record -> images.add(decode(codec, record)));
        return images;
    }

    /** Every record that is committed now. */
    public static void committed(
            Map<String, String> client, String topic, Consumer<ConsumerRecord<byte[], byte[]>> each) {
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(client, topic)) {
            Map<TopicPartition, Long> end = consumer.endOffsets(consumer.assignment());
            while (end.entrySet().stream().anyMatch(e -> consumer.position(e.getKey()) < e.getValue())) {
                consumer.poll(Duration.ofMillis(200)).forEach(each);
            }
        }
    }

    private static KafkaConsumer<byte[], byte[]> consumer(Map<String, String> client, String topic) {
        Map<String, Object> properties = new HashMap<>(client);
        properties.put("isolation.level", "read_committed");
        properties.put("auto.offset.reset", "earliest");
        KafkaConsumer<byte[], byte[]> consumer =
                new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
        consumer.assign(consumer.partitionsFor(topic).stream()
                .map(partition -> new TopicPartition(topic, partition.partition()))
                .toList());
        return consumer;
    }

    public static <T extends SpecificRecord> T decode(AvroCodec<T> codec, ConsumerRecord<byte[], byte[]> record) {
        try {
            return codec.decode(record.value());
        } catch (WireFormatException e) {
            throw new AssertionError(e);
        }
    }

    static byte[] bytes(ByteBuffer buffer) {
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        return bytes;
    }
}
