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
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads images, dead letters and events in a thread of its own: first the newest that are there, in the order of their
 * timestamps, then what comes.
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
    private static final Duration REPLAY_PATIENCE = Duration.ofSeconds(15);

    private final Topics topics;
    private final Listener listener;
    private final Map<TopicPartition, Long> next = new HashMap<>();
    private final KafkaReader reader;

    TopicFeed(Map<String, Object> clientProperties, Topics topics, Listener listener) {
        this.topics = topics;
        this.listener = listener;
        reader = new KafkaReader("gallery-feed", KafkaReader.properties(clientProperties, "latest"), this::follow);
    }

    void start() {
        reader.start();
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
        while (!reader.closed(Duration.ZERO)) {
            for (ConsumerRecord<byte[], byte[]> record : consumer.poll(KafkaReader.POLL)) {
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
        while (!reader.closed(Duration.ZERO)) {
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
            reader.closed(KafkaReader.RETRY);
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
        while (!reader.closed(Duration.ZERO)
                && System.nanoTime() < deadline
                && ends.entrySet().stream().anyMatch(end -> consumer.position(end.getKey()) < end.getValue())) {
            for (ConsumerRecord<byte[], byte[]> record : consumer.poll(KafkaReader.POLL)) {
                newest.add(record);
                if (newest.size() > count) {
                    newest.remove();
                }
            }
        }
        partitions.forEach(partition -> next.put(partition, consumer.position(partition)));
        return newest.stream().sorted(byTime).toList();
    }

    @Override
    public void close() {
        reader.close();
    }
}
