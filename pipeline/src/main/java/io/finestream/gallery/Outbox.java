package io.finestream.gallery;

import io.finestream.kafka.Topics;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;

/** What the page sends to Kafka, by one producer, which is made for the first record: the page starts without Kafka. */
final class Outbox implements AutoCloseable {

    static final Duration PATIENCE = Duration.ofSeconds(10);

    private final Map<String, Object> properties;
    private @Nullable KafkaProducer<byte[], byte[]> producer;
    private boolean closed;

    Outbox(Map<String, Object> clientProperties) {
        properties = new HashMap<>(clientProperties);
        properties.put(ProducerConfig.ACKS_CONFIG, "all");
        properties.put(ProducerConfig.MAX_REQUEST_SIZE_CONFIG, Topics.LARGEST_MESSAGE_BYTES);
        properties.put(ProducerConfig.MAX_BLOCK_MS_CONFIG, PATIENCE.toMillis());
    }

    /**
     * Sends a record, and returns when the brokers have it.
     *
     * @throws KafkaException if they do not take it
     * @throws TimeoutException if they do not say so in time
     */
    void send(String topic, String key, byte[] value) throws TimeoutException, InterruptedException {
        try {
            producer()
                    .send(new ProducerRecord<>(topic, key.getBytes(StandardCharsets.UTF_8), value))
                    .get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof KafkaException kafka ? kafka : new KafkaException(e.getCause());
        }
    }

    private synchronized KafkaProducer<byte[], byte[]> producer() {
        if (closed) {
            throw new KafkaException("the gallery is closed");
        }
        KafkaProducer<byte[], byte[]> made = producer;
        if (made == null) {
            made = new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
            producer = made;
        }
        return made;
    }

    /** Does not wait: whoever sends waits for its record. */
    @Override
    public synchronized void close() {
        closed = true;
        if (producer != null) {
            producer.close(Duration.ZERO);
        }
    }
}
