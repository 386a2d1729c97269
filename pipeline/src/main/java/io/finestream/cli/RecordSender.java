package io.finestream.cli;

import io.finestream.kafka.TopicLookup;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;

/** Sends records to a topic without waiting for the brokers, each once even where a network repeats it. */
final class RecordSender implements AutoCloseable {

    private final String topic;
    private final KafkaProducer<byte[], byte[]> producer;
    private final AtomicReference<@Nullable Exception> failure = new AtomicReference<>();
    private final AtomicLong taken = new AtomicLong();

    /** @param client settings of Kafka's clients */
    RecordSender(Map<String, String> client, String topic) {
        this.topic = topic;
        Map<String, Object> settings = new HashMap<>(client);
        settings.put(ProducerConfig.ACKS_CONFIG, "all");
        settings.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, true);
        settings.putIfAbsent(ProducerConfig.MAX_BLOCK_MS_CONFIG, TopicLookup.PATIENCE.toMillis());
        settings.putIfAbsent(ProducerConfig.LINGER_MS_CONFIG, 5);
        producer = new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
    }

    /** @param partition null: the one that any Kafka client would choose for the key */
    void send(@Nullable Integer partition, byte[] key, byte[] value) {
        var unused = producer.send(new ProducerRecord<>(topic, partition, key, value), (metadata, e) -> {
            if (e == null) {
                taken.incrementAndGet();
            } else {
                failure.compareAndSet(null, e);
            }
        });
    }

    /** Waits until the brokers have taken or refused every record. */
    void flush() {
        producer.flush();
    }

    /** Why the brokers did not take the first of the records that they did not take; null: none so far. */
    @Nullable
    Exception failure() {
        return failure.get();
    }

    /** How many records the brokers have taken so far. */
    long taken() {
        return taken.get();
    }

    @Override
    public void close() {
        producer.close(TopicLookup.PATIENCE);
    }
}
