package io.finestream.cli;

import io.finestream.schemas.GenerationRequest;
import io.finestream.schemas.wire.AvroCodec;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.utils.Utils;
import org.jspecify.annotations.Nullable;

/**
 * Sends requests to Kafka. A record stays on the subtask of its partition, so a request for many images is split into
 * parts that share its id and number their samples. The key of every part is the request id; the first part goes to the
 * partition that any Kafka client would choose for that key, and the others to the partitions after it in turn, which
 * the sender says outright.
 */
final class RequestSender implements AutoCloseable {

    private final String topic;
    private final int partitions;
    private final AvroCodec<GenerationRequest> codec;
    private final KafkaProducer<byte[], byte[]> producer;
    private final AtomicReference<@Nullable Exception> failure = new AtomicReference<>();

    /** @param client settings of Kafka's clients */
    RequestSender(Map<String, String> client, String topic, int partitions, AvroCodec<GenerationRequest> codec) {
        this.topic = topic;
        this.partitions = partitions;
        this.codec = codec;
        Map<String, Object> settings = new HashMap<>(client);
        settings.put(ProducerConfig.ACKS_CONFIG, "all");
        settings.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, true);
        settings.putIfAbsent(ProducerConfig.MAX_BLOCK_MS_CONFIG, TopicLookup.PATIENCE.toMillis());
        settings.putIfAbsent(ProducerConfig.LINGER_MS_CONFIG, 5);
        producer = new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
    }

    /** The request in records of at most {@code maxPerRecord} images. */
    static List<GenerationRequest> parts(GenerationRequest whole, int maxPerRecord) {
        List<GenerationRequest> parts = new ArrayList<>();
        for (int done = 0; done < whole.getCount(); done += maxPerRecord) {
            parts.add(GenerationRequest.newBuilder(whole)
                    .setFirstSample(whole.getFirstSample() + done)
                    .setCount(Math.min(maxPerRecord, whole.getCount() - done))
                    .build());
        }
        return parts;
    }

    /** Sends the parts of one request without waiting for the brokers. */
    void send(List<GenerationRequest> parts) {
        for (int i = 0; i < parts.size(); i++) {
            GenerationRequest part = parts.get(i);
            byte[] key = part.getRequestId().getBytes(StandardCharsets.UTF_8);
            int first = Utils.toPositive(Utils.murmur2(key)) % partitions;
            var unused = producer.send( // the callback tells
                    new ProducerRecord<>(topic, (first + i) % partitions, key, codec.encode(part)),
                    (metadata, e) -> failure.compareAndSet(null, e));
        }
    }

    /**
     * Waits until the brokers have every record.
     *
     * @throws IOException if they do not take one
     */
    void flush() throws IOException {
        producer.flush();
        Exception e = failure.get();
        if (e != null) {
            throw new IOException(
                    "Kafka did not take every request into %s (%s); those that it took will be served"
                            .formatted(topic, e.getMessage()),
                    e);
        }
    }

    @Override
    public void close() {
        producer.close(TopicLookup.PATIENCE);
    }
}
