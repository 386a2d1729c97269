package io.finestream.gallery;

import io.finestream.kafka.Topics;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads images, dead letters and events in a thread of its own: first the newest that are there, in the order of their
 * timestamps, then what comes. It belongs to no consumer group and leaves nothing behind in Kafka.
 */
final class TopicFeed implements AutoCloseable {

    /** Called by the feed's one thread. */
    interface Listener {
        /**
         * An image came.
         *
         * @param live false for what was there before the feed
         */
        void image(ConsumerRecord<byte[], byte[]> record, boolean live);

        /** The same for a dead letter. */
        void deadLetter(ConsumerRecord<byte[], byte[]> record, boolean live);

        /** Something happened to a request; only what comes is given. */
        void event(ConsumerRecord<byte[], byte[]> record);
    }

    private static final Logger LOG = LoggerFactory.getLogger(TopicFeed.class);

    private static final int IMAGES_SHOWN_AT_START = 60;
    private static final int DEAD_LETTERS_SHOWN_AT_START = 10;
    private static final Duration POLL = Duration.ofMillis(500);
    private static final Duration RETRY = Duration.ofSeconds(1);
    private static final Duration REPLAY_PATIENCE = Duration.ofSeconds(15);
    private static final Duration CLOSE_PATIENCE = Duration.ofSeconds(5);

    private final Map<String, Object> properties;
    private final Topics topics;
    private final Listener listener;
    private final Map<TopicPartition, Long> next = new HashMap<>();
    private final CountDownLatch closing = new CountDownLatch(1);
    private final Thread thread = new Thread(this::run, "gallery-feed");
    private volatile @Nullable KafkaConsumer<byte[], byte[]> polling;

    TopicFeed(Map<String, Object> clientProperties, Topics topics, Listener listener) {
        this.properties = new HashMap<>(clientProperties);
        this.topics = topics;
        this.listener = listener;
        properties.remove(ConsumerConfig.GROUP_ID_CONFIG);
        properties.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
        properties.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "latest");
        properties.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
        properties.put(ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, false);
        thread.setDaemon(true);
    }

    void start() {
        thread.start();
    }

    private void run() {
        while (!closed(Duration.ZERO)) {
            try (KafkaConsumer<byte[], byte[]> consumer =
                    new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
                polling = consumer;
                follow(consumer);
            } catch (WakeupException | InterruptException e) {
                return; // only close() wakes and interrupts
            } catch (KafkaException e) {
                LOG.warn("the gallery cannot read from Kafka and tries again: {}", e.getMessage());
                closed(RETRY);
            } finally {
                polling = null;
            }
        }
    }

    private void follow(KafkaConsumer<byte[], byte[]> consumer) {
        List<TopicPartition> images = partitions(consumer, topics.images());
        List<TopicPartition> deadLetters = partitions(consumer, topics.deadLetters());
        List<TopicPartition> events = partitions(consumer, topics.events());
        if (next.isEmpty()) {
            newest(consumer, images, IMAGES_SHOWN_AT_START).forEach(record -> listener.image(record, false));
            newest(consumer, deadLetters, DEAD_LETTERS_SHOWN_AT_START)
                    .forEach(record -> listener.deadLetter(record, false));
            next.putAll(consumer.endOffsets(events));
        }
        List<TopicPartition> all = new ArrayList<>(images);
        all.addAll(deadLetters);
        all.addAll(events);
        consumer.assign(all);
        next.forEach(consumer::seek);
        while (!closed(Duration.ZERO)) {
            for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
                next.put(new TopicPartition(record.topic(), record.partition()), record.offset() + 1);
                if (record.topic().equals(topics.images())) {
                    listener.image(record, true);
                } else if (record.topic().equals(topics.events())) {
                    listener.event(record);
                } else {
                    listener.deadLetter(record, true);
                }
            }
        }
    }

    /** Waits for the topic if need be. */
    private List<TopicPartition> partitions(KafkaConsumer<byte[], byte[]> consumer, String topic) {
        boolean told = false;
        while (!closed(Duration.ZERO)) {
            List<PartitionInfo> partitions = consumer.partitionsFor(topic);
            if (partitions != null && !partitions.isEmpty()) {
                return partitions.stream()
                        .map(partition -> new TopicPartition(topic, partition.partition()))
                        .toList();
            }
            if (!told) {
                LOG.warn("the gallery waits for the topic {}, which does not exist", topic);
                told = true;
            }
            closed(RETRY);
        }
        throw new WakeupException();
    }

    /** The records with the latest timestamps, oldest first; {@link #next} is set to what follows. */
    private List<ConsumerRecord<byte[], byte[]>> newest(
            KafkaConsumer<byte[], byte[]> consumer, Collection<TopicPartition> partitions, int count) {
        Comparator<ConsumerRecord<byte[], byte[]>> byTime = Comparator.comparingLong(ConsumerRecord::timestamp);
        PriorityQueue<ConsumerRecord<byte[], byte[]>> newest = new PriorityQueue<>(byTime);
        consumer.assign(partitions);
        Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
        consumer.beginningOffsets(partitions).forEach((partition, begin) -> {
            long end = ends.getOrDefault(partition, begin);
            consumer.seek(partition, Math.max(begin, end - count));
        });
        long deadline = System.nanoTime() + REPLAY_PATIENCE.toNanos();
        while (!closed(Duration.ZERO)
                && System.nanoTime() < deadline
                && ends.entrySet().stream().anyMatch(end -> consumer.position(end.getKey()) < end.getValue())) {
            for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
                newest.add(record);
                if (newest.size() > count) {
                    newest.remove();
                }
            }
        }
        partitions.forEach(partition -> next.put(partition, consumer.position(partition)));
        return newest.stream().sorted(byTime).toList();
    }

    private boolean closed(Duration wait) {
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
