package io.finestream.flink;

import io.finestream.schemas.LiveVersion;
import io.finestream.versions.VersionAssembler;
import io.finestream.versions.VersionException;
import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
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
 * Versions from the parameters topic: first those that are there ({@link #catchUp}), then what comes, in a thread of its
 * own ({@link #follow}). It reads what is committed, belongs to no consumer group, and leaves nothing behind in Kafka.
 */
public final class ParameterFeed implements AutoCloseable {

    /** Called by the feed's one thread. */
    public interface Listener {
        /** A version is whole. */
        void version(LiveVersion version);

        /** No further version will come. */
        void failed(Throwable cause);
    }

    private static final Logger LOG = LoggerFactory.getLogger(ParameterFeed.class);

    private static final Duration POLL = Duration.ofMillis(250);
    private static final Duration RETRY = Duration.ofSeconds(1);
    private static final Duration CLOSE_PATIENCE = Duration.ofSeconds(10);

    private final TopicPartition partition;
    private final KafkaConsumer<byte[], byte[]> consumer;
    private final VersionAssembler assembler;
    private final CountDownLatch closing = new CountDownLatch(1);
    private @Nullable Thread thread;

    private ParameterFeed(
            TopicPartition partition, KafkaConsumer<byte[], byte[]> consumer, VersionAssembler assembler) {
        this.partition = partition;
        this.consumer = consumer;
        this.assembler = assembler;
    }

    /**
     * Opens the topic where {@code assembler} goes on.
     *
     * @throws VersionException if there is no such topic, or it is not the one that {@code assembler} has read
     */
    public static ParameterFeed open(ParameterTopic topic, VersionAssembler assembler) throws VersionException {
        Map<String, Object> properties = new HashMap<>(topic.clientProperties());
        properties.remove(ConsumerConfig.GROUP_ID_CONFIG);
        properties.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
        properties.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "none");
        properties.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
        properties.put(ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, false);
        KafkaConsumer<byte[], byte[]> consumer =
                new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
        ParameterFeed feed = new ParameterFeed(new TopicPartition(topic.name(), 0), consumer, assembler);
        try {
            feed.seek(topic);
            return feed;
        } catch (VersionException | RuntimeException e) {
            feed.close();
            throw e;
        }
    }

    private void seek(ParameterTopic topic) throws VersionException {
        List<PartitionInfo> partitions = consumer.partitionsFor(topic.name());
        if (partitions == null || partitions.size() != 1) {
            throw new VersionException("there is no " + topic + " with one partition; create it with 'finestream topics"
                    + " create', or run with --no-updates");
        }
        consumer.assign(List.of(partition));
        long begin = consumer.beginningOffsets(List.of(partition)).getOrDefault(partition, 0L);
        long end = end();
        long from = assembler.nextOffset() == 0 ? begin : assembler.nextOffset();
        if (from < begin || from > end) {
            throw new VersionException("the saved state has read the " + topic + " up to offset " + from
                    + ", which now has " + begin + " to " + end
                    + ": it is another topic; start without the saved state");
        }
        consumer.seek(partition, from);
    }

    /**
     * Reads what the topic holds now, in the caller's thread.
     *
     * @return whether the assembler has a newer version
     */
    public boolean catchUp() throws VersionException {
        boolean newer = false;
        do {
            for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
                newer |= accept(record);
            }
        } while (consumer.position(partition) < end());
        newer |= assembler.atEnd();
        return newer && assembler.isWhole();
    }

    /** Goes on in a thread of its own. */
    public void follow(Listener listener) {
        thread = new Thread(() -> run(listener), "parameter-feed");
        thread.setDaemon(true);
        thread.start();
    }

    private void run(Listener listener) {
        try {
            while (!closed(Duration.ZERO)) {
                poll(listener);
            }
        } catch (WakeupException | InterruptException e) {
            if (!closed(Duration.ZERO)) {
                listener.failed(e);
            }
        } catch (IOException | RuntimeException | Error e) {
            listener.failed(e);
        } finally {
            closeConsumer();
        }
    }

    private void poll(Listener listener) throws VersionException {
        try {
            for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
                if (accept(record)) {
                    listener.version(assembler.version());
                }
            }
            if (assembler.waitsForEnd() && consumer.position(partition) >= end() && assembler.atEnd()) {
                listener.version(assembler.version());
            }
        } catch (RetriableException e) {
            LOG.warn("cannot read {} and tries again: {}", partition, e.getMessage());
            closed(RETRY);
        }
    }

    private boolean accept(ConsumerRecord<byte[], byte[]> record) throws VersionException {
        return record.value() != null && assembler.accept(record.offset(), record.value());
    }

    /** The offset after the last committed record. */
    private long end() {
        return consumer.endOffsets(List.of(partition)).getOrDefault(partition, 0L);
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
