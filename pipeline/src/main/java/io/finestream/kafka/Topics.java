package io.finestream.kafka;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.CreateTopicsResult;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/**
 * The names of the topics.
 *
 * @param requests {@code GenerationRequest} by request id
 * @param images {@code GeneratedImage} by request id
 * @param labeled {@code LabeledImage} by subclass name
 * @param parameters {@code ParameterSlice} and {@code ParameterVersion}; compacted, one partition: its order is the order of
 *     the versions
 * @param deadLetters {@code DeadLetter} by the key as received
 * @param events {@code GenerationEvent} by request id
 * @param control {@code GenerationControl} by request id; one partition, which every generator reads
 */
public record Topics(
        String requests,
        String images,
        String labeled,
        String parameters,
        String deadLetters,
        String events,
        String control) {

    public static final Topics DEFAULT = new Topics(
            "generation-requests",
            "generated-images",
            "labeled-images",
            "parameters",
            "dead-letters",
            "generation-events",
            "generation-control");

    /** Enough for a few subtasks; a topic can be given more later, but not fewer. */
    public static final int DEFAULT_PARTITIONS = 4;

    /** Of a record in any topic but the dead letters. */
    public static final int LARGEST_MESSAGE_BYTES = 8 << 20;

    private static final int LARGEST_DEAD_LETTER_BYTES = LARGEST_MESSAGE_BYTES + (1 << 20); // a message, and why
    private static final Duration KEPT = Duration.ofDays(7);
    private static final Duration DEAD_LETTERS_KEPT = Duration.ofDays(30);
    private static final Duration MOMENTARY_KEPT = Duration.ofDays(1);
    private static final Duration UNCOMPACTED =
            Duration.ofMinutes(10); // a reader that lags less sees every version whole
    private static final int SEGMENT_BYTES = 64 << 20; // only closed segments are compacted
    private static final Duration LEADER_POLL = Duration.ofMillis(50);

    /** What {@link #create} found. */
    public record Created(List<String> created, List<String> existed) {
        public Created {
            created = List.copyOf(created);
            existed = List.copyOf(existed);
        }
    }

    /** The same topics with the prefix before each name, for several installations on one Kafka. */
    public Topics withPrefix(String prefix) {
        return new Topics(
                prefix + requests,
                prefix + images,
                prefix + labeled,
                prefix + parameters,
                prefix + deadLetters,
                prefix + events,
                prefix + control);
    }

    /**
     * Creates the topics that are missing, and leaves the others as they are.
     *
     * @param clientProperties of Kafka's admin client; {@code bootstrap.servers} at least
     * @param partitions of each topic but {@code parameters} and {@code control}; several per subtask that reads it
     * @param replicationFactor copies of each record, at most the number of brokers
     * @throws IOException in one line, if there is no broker, it refuses a topic, or {@code parameters} exists but is not
     *     compacted or has several partitions
     */
    public Created create(Map<String, Object> clientProperties, int partitions, short replicationFactor)
            throws IOException {
        Map<String, NewTopic> wanted = new LinkedHashMap<>();
        for (NewTopic topic : wanted(partitions, replicationFactor)) {
            wanted.put(topic.name(), topic);
        }
        String address = TopicLookup.address(clientProperties);
        try (TopicLookup brokers = new TopicLookup(clientProperties)) {
            Admin admin = brokers.admin();
            Set<String> names = admin.listTopics().names().get();
            Created result = create(admin, wanted, names);
            if (result.existed().contains(parameters)) {
                brokers.requireCompacted(parameters);
            }
            return result;
        } catch (ExecutionException e) {
            throw TopicLookup.refused(address, "the topics", TopicLookup.causeOf(e));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while creating topics at " + address);
        }
    }

    List<NewTopic> wanted(int partitions, short replicationFactor) {
        Map<String, String> byTime = Map.of(
                TopicConfig.RETENTION_MS_CONFIG, Long.toString(KEPT.toMillis()),
                TopicConfig.MAX_MESSAGE_BYTES_CONFIG, Integer.toString(LARGEST_MESSAGE_BYTES));
        Map<String, String> dead = Map.of(
                TopicConfig.RETENTION_MS_CONFIG, Long.toString(DEAD_LETTERS_KEPT.toMillis()),
                TopicConfig.MAX_MESSAGE_BYTES_CONFIG, Integer.toString(LARGEST_DEAD_LETTER_BYTES));
        Map<String, String> momentary =
                Map.of(TopicConfig.RETENTION_MS_CONFIG, Long.toString(MOMENTARY_KEPT.toMillis()));
        Map<String, String> compacted = Map.of(
                TopicConfig.CLEANUP_POLICY_CONFIG, TopicConfig.CLEANUP_POLICY_COMPACT,
                TopicConfig.MIN_COMPACTION_LAG_MS_CONFIG, Long.toString(UNCOMPACTED.toMillis()),
                TopicConfig.SEGMENT_BYTES_CONFIG, Integer.toString(SEGMENT_BYTES),
                TopicConfig.MAX_MESSAGE_BYTES_CONFIG, Integer.toString(LARGEST_MESSAGE_BYTES));
        return List.of(
                new NewTopic(requests, partitions, replicationFactor).configs(byTime),
                new NewTopic(images, partitions, replicationFactor).configs(byTime),
                new NewTopic(labeled, partitions, replicationFactor).configs(byTime),
                new NewTopic(parameters, 1, replicationFactor).configs(compacted),
                new NewTopic(deadLetters, partitions, replicationFactor).configs(dead),
                new NewTopic(events, partitions, replicationFactor).configs(momentary),
                new NewTopic(control, 1, replicationFactor).configs(momentary));
    }

    private static Created create(Admin admin, Map<String, NewTopic> wanted, Set<String> names)
            throws IOException, InterruptedException, ExecutionException {
        List<String> created = new ArrayList<>();
        List<String> existed =
                new ArrayList<>(wanted.keySet().stream().filter(names::contains).toList());
        List<NewTopic> missing = wanted.values().stream()
                .filter(topic -> !names.contains(topic.name()))
                .toList();
        CreateTopicsResult answers = admin.createTopics(missing);
        for (NewTopic topic : missing) {
            String name = topic.name();
            try {
                Objects.requireNonNull(answers.values().get(name)).get();
                created.add(name);
            } catch (ExecutionException e) {
                if (e.getCause() instanceof TopicExistsException) { // someone was faster
                    existed.add(name);
                } else if (e.getCause() instanceof TimeoutException) {
                    throw e;
                } else {
                    throw new IOException(
                            "Kafka refuses to create the topic %s: %s"
                                    .formatted(name, TopicLookup.firstLine(TopicLookup.causeOf(e))),
                            e);
                }
            }
        }
        awaitLeaders(admin, wanted.keySet());
        return new Created(created, existed);
    }

    /** The controller answers before the brokers know a topic; a client that came in between would fail. */
    private static void awaitLeaders(Admin admin, Set<String> topics)
            throws IOException, InterruptedException, ExecutionException {
        long end = System.nanoTime() + TopicLookup.PATIENCE.toNanos();
        while (true) {
            try {
                boolean led = admin.describeTopics(topics).allTopicNames().get().values().stream()
                        .flatMap(topic -> topic.partitions().stream())
                        .allMatch(partition -> partition.leader() != null);
                if (led) {
                    return;
                }
            } catch (ExecutionException e) {
                if (!(e.getCause() instanceof UnknownTopicOrPartitionException)) {
                    throw e;
                }
            }
            if (System.nanoTime() > end) {
                throw new IOException("one of the topics %s has no leader after %d s; are all brokers up?"
                        .formatted(topics, TopicLookup.PATIENCE.toSeconds()));
            }
            Thread.sleep(LEADER_POLL.toMillis());
        }
    }
}
