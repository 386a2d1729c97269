package io.finestream.kafka;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.CreateTopicsResult;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.config.ConfigResource;
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
    private static final Duration PATIENCE = Duration.ofSeconds(10);
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
        String address = String.valueOf(clientProperties.get(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG));
        Map<String, Object> properties = new HashMap<>(clientProperties);
        properties.put(AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, (int) PATIENCE.toMillis());
        properties.put(AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG, (int) PATIENCE.toMillis());
        try (Admin admin = Admin.create(properties)) {
            Set<String> names = admin.listTopics().names().get();
            Created result = create(admin, wanted, names);
            if (result.existed().contains(parameters)) {
                checkParameters(admin);
            }
            return result;
        } catch (ExecutionException e) {
            throw unanswered(address, causeOf(e));
        } catch (RuntimeException e) { // an address that is none, a login file that is missing
            throw unanswered(address, causeOf(e));
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
                            "Kafka refuses to create the topic %s: %s".formatted(name, firstLine(causeOf(e))), e);
                }
            }
        }
        awaitLeaders(admin, wanted.keySet());
        return new Created(created, existed);
    }

    /** Without compaction a generator that starts late would miss what has expired; with partitions, the order. */
    private void checkParameters(Admin admin) throws IOException, InterruptedException, ExecutionException {
        ConfigResource topic = new ConfigResource(ConfigResource.Type.TOPIC, parameters);
        Config config = onlyOne(admin.describeConfigs(List.of(topic)).all().get());
        String policy = config.get(TopicConfig.CLEANUP_POLICY_CONFIG).value();
        TopicDescription description = onlyOne(
                admin.describeTopics(List.of(parameters)).allTopicNames().get());
        int partitions = description.partitions().size();
        if (!policy.equals(TopicConfig.CLEANUP_POLICY_COMPACT) || partitions != 1) {
            throw new IOException(("the topic %s exists with %s=%s and %d partitions, expected compact and 1;"
                            + " delete it, or use a prefix for the topics")
                    .formatted(parameters, TopicConfig.CLEANUP_POLICY_CONFIG, policy, partitions));
        }
    }

    /** The controller answers before the brokers know a topic; a client that came in between would fail. */
    private static void awaitLeaders(Admin admin, Set<String> topics)
            throws IOException, InterruptedException, ExecutionException {
        long end = System.nanoTime() + PATIENCE.toNanos();
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
                        .formatted(topics, PATIENCE.toSeconds()));
            }
            Thread.sleep(LEADER_POLL.toMillis());
        }
    }

    private static <T> T onlyOne(Map<?, T> answer) {
        return answer.values().iterator().next();
    }

    private static IOException unanswered(String address, Throwable cause) {
        if (cause instanceof TimeoutException) {
            return new IOException(
                    "no Kafka broker answers at %s within %d s; is it running, and is the address right?"
                            .formatted(address, PATIENCE.toSeconds()),
                    cause);
        }
        return new IOException("Kafka at %s: %s".formatted(address, firstLine(cause)), cause);
    }

    private static Throwable causeOf(Exception e) {
        return e.getCause() == null ? e : e.getCause();
    }

    private static String firstLine(Throwable cause) {
        return String.valueOf(cause.getMessage()).lines().findFirst().orElse("no reason given");
    }
}
