package io.finestream.gallery;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A thread that reads from Kafka until it is closed, and begins again with another consumer where one fails. It reads what
 * is committed, belongs to no consumer group and leaves nothing behind in Kafka.
 */
final class KafkaReader implements AutoCloseable {

    /** What is read, in the reader's one thread: as long as it is not {@link #closed}. */
    interface Reading {
        void follow(KafkaConsumer<byte[], byte[]> consumer);
    }

    static final Duration POLL = Duration.ofMillis(500);
    static final Duration RETRY = Duration.ofSeconds(1);

    private static final Logger LOG = LoggerFactory.getLogger(KafkaReader.class);

    private static final Duration CLOSE_PATIENCE = Duration.ofSeconds(5);

    private final Map<String, Object> properties;
    private final Reading reading;
    private final CountDownLatch closing = new CountDownLatch(1);
    private final Thread thread;
    private volatile @Nullable KafkaConsumer<byte[], byte[]> polling;

    /** @param properties from {@link #properties(Map, String)} */
    KafkaReader(String threadName, Map<String, Object> properties, Reading reading) {
        this.properties = properties;
        this.reading = reading;
        thread = new Thread(this::run, threadName);
        thread.setDaemon(true);
    }

    /**
     * Of such a consumer.
     *
     * @param reset where it begins in a partition in which it has no place
     */
    static Map<String, Object> properties(Map<String, Object> clientProperties, String reset) {
        Map<String, Object> properties = new HashMap<>(clientProperties);
        properties.remove(ConsumerConfig.GROUP_ID_CONFIG);
        properties.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
        properties.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, reset);
        properties.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
        properties.put(ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, false);
        return properties;
    }

    void start() {
        thread.start();
    }

    private void run() {
        while (!closed(Duration.ZERO)) {
            try (KafkaConsumer<byte[], byte[]> consumer =
                    new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
                polling = consumer;
                reading.follow(consumer);
            } catch (WakeupException | InterruptException e) {
                return; // only close() wakes and interrupts
            } catch (KafkaException e) {
                LOG.warn("{} cannot read from Kafka and tries again: {}", thread.getName(), e.getMessage());
                closed(RETRY);
            } finally {
                polling = null;
            }
        }
    }

    /** Whether it is being closed, after a wait at most. */
    boolean closed(Duration wait) {
        try {
            return closing.await(wait.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            throw new InterruptException(e);
        }
    }

    @Override
    public void close() {
        closing.countDown();
        KafkaConsumer<byte[], byte[]> consumer = polling;
        if (consumer != null) {
            consumer.wakeup();
        }
        try {
            thread.join(CLOSE_PATIENCE.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
