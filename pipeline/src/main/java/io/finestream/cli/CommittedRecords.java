package io.finestream.cli;

import io.finestream.kafka.TopicLookup;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * The committed records of all partitions of some topics, read without a consumer group, so that nothing is left behind
 * in Kafka. Ctrl-C ends the reading and lets the reader finish.
 */
final class CommittedRecords implements AutoCloseable {

    private static final Duration POLL = Duration.ofMillis(250);

    private final KafkaConsumer<byte[], byte[]> consumer;
    private final StopSignal stop;

    private CommittedRecords(KafkaConsumer<byte[], byte[]> consumer) {
        this.consumer = consumer;
        stop = new StopSignal(consumer::wakeup);
    }

    /**
     * @param client settings of Kafka's clients
     * @param partitions number of partitions by topic
     * @param onlyNew start with what comes from now on, instead of the beginning
     */
    static CommittedRecords of(Map<String, String> client, Map<String, Integer> partitions, boolean onlyNew) {
        Map<String, Object> settings = new HashMap<>(client);
        settings.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
        settings.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
        settings.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest"); // where records have expired meanwhile
        settings.putIfAbsent(ConsumerConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, (int) TopicLookup.PATIENCE.toMillis());
        KafkaConsumer<byte[], byte[]> consumer =
                new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
        List<TopicPartition> all = new ArrayList<>();
        partitions.forEach((topic, n) -> {
            for (int partition = 0; partition < n; partition++) {
                all.add(new TopicPartition(topic, partition));
            }
        });
        consumer.assign(all);
        if (onlyNew) {
            consumer.seekToEnd(all);
            all.forEach(consumer::position); // now, not at the first poll
        } else {
            consumer.seekToBeginning(all);
        }
        return new CommittedRecords(consumer);
    }

    /** What has come, after a short wait at most. */
    Iterable<ConsumerRecord<byte[], byte[]>> poll() {
        try {
            return consumer.poll(POLL);
        } catch (WakeupException e) {
            return ConsumerRecords.empty();
        }
    }

    /** Whether the user wants an end. */
    boolean stopped() {
        return stop.given();
    }

    @Override
    public void close() {
        consumer.close();
        stop.close();
    }
}
