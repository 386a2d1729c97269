package io.finestream.flink;

import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The partition of a {@link FollowedTopic}: read in the caller's thread first, then in one of its own. It gives what is
 * committed, belongs to no consumer group, and leaves nothing behind in Kafka.
 */
final class FollowedPartition implements AutoCloseable {

    /** Reads a little, and comes back. */
    interface Turn {
        void take() throws IOException;
    }

    private static final Logger LOG = LoggerFactory.getLogger(FollowedPartition.class);

    private static final Duration POLL = Duration.ofMillis(250);
    private static final Duration RETRY = Duration.ofSeconds(1);
    private static final Duration CLOSE_PATIENCE = Duration.ofSeconds(10);

    private final TopicPartition partition;
    private final KafkaConsumer<byte[], byte[]> consumer;
    private final CountDownLatch closing = new CountDownLatch(1);
    private @Nullable Thread thread;

    FollowedPartition(FollowedTopic topic) {
        Map<String, Object> properties = new HashMap<>(topic.clientProperties());
        properties.remove(ConsumerConfig.GROUP_ID_CONFIG);
        properties.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
        properties.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "none");
        properties.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
        properties.put(ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, false);
        partition = new TopicPartition(topic.name(), 0);
        consumer = new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
        consumer.assign(List.of(partition));
    }

    /** Whether there is such a topic, with this one partition. */
    boolean exists() {
        List<PartitionInfo> partitions = consumer.partitionsFor(partition.topic());
        return partitions != null && partitions.size() == 1;
    }

    /** The offset of the first record. */
    long begin() {
        return consumer.beginningOffsets(List.of(partition)).getOrDefault(partition, 0L);
    }

    /** The offset after the last committed record. */
    long end() {
        return consumer.endOffsets(List.of(partition)).getOrDefault(partition, 0L);
    }

    void seek(long offset) {
        consumer.seek(partition, offset);
    }

    boolean isAtEnd() {
        return consumer.position(partition) >= end();
    }

    /** What has come, after a short wait at most. */
    Iterable<ConsumerRecord<byte[], byte[]>> poll() {
        return consumer.poll(POLL);
    }

    /**
     * Goes on in a thread of its own, turn by turn, until it is closed.
     *
     * @param failed told why no further turn will come
     */
    void follow(String threadName, Turn turn, Consumer<Throwable> failed) {
        thread = new Thread(() -> run(turn, failed), threadName);
        thread.setDaemon(true);
        thread.start();
    }

    private void run(Turn turn, Consumer<Throwable> failed) {
        try {
            while (!closed(Duration.ZERO)) {
                try {
                    turn.take();
                } catch (RetriableException e) {
                    LOG.warn("cannot read {} and tries again: {}", partition, e.getMessage());
                    closed(RETRY);
                }
            }
        } catch (WakeupException | InterruptException e) {
            if (!closed(Duration.ZERO)) {
                failed.accept(e);
            }
        } catch (IOException | RuntimeException | Error e) {
            failed.accept(e);
        } finally {
            closeConsumer();
        }
    }

    private boolean closed(Duration wait) {
        try {
            return closing.await(wait.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            throw new InterruptException(e);
        }
    }

    private void closeConsumer() {
        consumer.close(CloseOptions.timeout(RETRY));
    }

    @Override
    public void close() {
        closing.countDown();
        if (thread == null) {
            closeConsumer();
            return;
        }
        consumer.wakeup();
        try {
            thread.join(CLOSE_PATIENCE.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
