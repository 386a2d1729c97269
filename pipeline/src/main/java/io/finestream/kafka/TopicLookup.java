package io.finestream.kafka;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.DescribeTopicsOptions;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.TransactionalIdNotFoundException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.errors.UnsupportedVersionException;

/** Asks the brokers before a client starts, which would otherwise wait for them, or fail again and again. */
public final class TopicLookup implements AutoCloseable {

    public static final Duration PATIENCE = Duration.ofSeconds(10);

    private final String address;
    private final Admin admin;

    /**
     * @param client settings of Kafka's clients
     * @throws IOException in one line, if no client can be made of them
     */
    public TopicLookup(Map<String, ?> client) throws IOException {
        address = address(client);
        Map<String, Object> settings = new HashMap<>(client);
        settings.put(AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, (int) PATIENCE.toMillis());
        settings.put(AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG, (int) PATIENCE.toMillis());
        try {
            admin = Admin.create(settings);
        } catch (RuntimeException e) { // an address that is none, a login file that is missing
            throw refused(address, "a client", causeOf(e));
        }
    }

    /**
     * How many partitions the topic has.
     *
     * @param client settings of Kafka's clients
     * @throws IOException in one line, if no broker answers or there is no such topic
     */
    public static int partitions(Map<String, String> client, String topic) throws IOException {
        try (TopicLookup brokers = new TopicLookup(client)) {
            return brokers.describe(topic).partitions().size();
        }
    }

    /**
     * The largest record that the topic takes, in bytes; as 'topics create' makes it, if this user may not see it.
     *
     * @throws IOException in one line, if no broker answers or there is no such topic
     */
    public int largestRecordBytes(String topic) throws IOException {
        return setting(topic, TopicConfig.MAX_MESSAGE_BYTES_CONFIG)
                .map(Integer::valueOf)
                .orElse(Topics.LARGEST_MESSAGE_BYTES);
    }

    /** @throws IOException in one line, if the topic is not there or this user may not read it */
    public void requireReadable(String topic) throws IOException {
        require(topic, AclOperation.READ);
    }

    /** @throws IOException in one line, if the topic is not there or this user may not write it */
    public void requireWritable(String topic) throws IOException {
        require(topic, AclOperation.WRITE);
    }

    /** @throws IOException in one line, if this user may not read in the consumer group, which need not be there */
    public void requireGroup(String group) throws IOException {
        answer(
                "the consumer group " + group,
                admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata());
    }

    /** @throws IOException in one line, if this user may not use the transactional id, which need not be there */
    public void requireTransactions(String transactionalId) throws IOException {
        KafkaFuture<?> description =
                admin.describeTransactions(List.of(transactionalId)).description(transactionalId);
        try {
            answer("the transactional id " + transactionalId, description);
        } catch (IOException e) {
            boolean answered = e.getCause() instanceof TransactionalIdNotFoundException
                    || e.getCause() instanceof UnsupportedVersionException; // a broker before 3.0
            if (!answered) {
                throw e;
            }
        }
    }

    /**
     * Requires what the topic of the parameters needs: without compaction a generator that starts late would miss what
     * has expired; with partitions, the order. What this user may not see is taken for right.
     *
     * @throws IOException in one line, if it is otherwise
     */
    public void requireCompacted(String topic) throws IOException {
        String policy = setting(topic, TopicConfig.CLEANUP_POLICY_CONFIG).orElse(TopicConfig.CLEANUP_POLICY_COMPACT);
        int partitions = describe(topic).partitions().size();
        if (!policy.equals(TopicConfig.CLEANUP_POLICY_COMPACT) || partitions != 1) {
            throw new IOException(("the topic %s exists with %s=%s and %d partitions, expected compact and 1;"
                            + " delete it, or use a prefix for the topics")
                    .formatted(topic, TopicConfig.CLEANUP_POLICY_CONFIG, policy, partitions));
        }
    }

    private void require(String topic, AclOperation operation) throws IOException {
        Set<AclOperation> allowed = describe(topic).authorizedOperations(); // null of brokers that can not tell
        if (allowed != null && !allowed.contains(operation)) {
            throw new IOException("this user may not %s the topic %s at %s; allow it with an ACL"
                    .formatted(operation == AclOperation.READ ? "read" : "write", topic, address));
        }
    }

    private TopicDescription describe(String topic) throws IOException {
        DescribeTopicsOptions options = new DescribeTopicsOptions().includeAuthorizedOperations(true);
        return onlyOne(answer(
                "the topic " + topic,
                admin.describeTopics(List.of(topic), options).allTopicNames()));
    }

    private Optional<String> setting(String topic, String name) throws IOException {
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        try {
            Config config = onlyOne(answer(
                    "the topic " + topic,
                    admin.describeConfigs(List.of(resource)).all()));
            return Optional.ofNullable(config.get(name)).map(ConfigEntry::value);
        } catch (IOException e) {
            if (e.getCause() instanceof AuthorizationException) {
                return Optional.empty();
            }
            throw e;
        }
    }

    private static <T> T onlyOne(Map<?, T> answer) {
        return answer.values().iterator().next();
    }

    private <T> T answer(String about, KafkaFuture<T> answer) throws IOException {
        try {
            return answer.get();
        } catch (ExecutionException e) {
            throw refused(address, about, causeOf(e));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while asking " + address + " for " + about);
        }
    }

    /** Gives up in time. */
    Admin admin() {
        return admin;
    }

    static String address(Map<String, ?> client) {
        return String.valueOf(client.get(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG));
    }

    /** What the brokers say, in one line. */
    static IOException refused(String address, String about, Throwable cause) {
        return new IOException(said(address, about, cause), cause);
    }

    private static String said(String address, String about, Throwable cause) {
        String reason = firstLine(cause);
        if (cause instanceof TimeoutException) {
            return ("no Kafka broker answers at %s within %d s; is it running, and are the address and security.protocol"
                            + " right?")
                    .formatted(address, PATIENCE.toSeconds());
        }
        if (cause instanceof AuthenticationException) {
            return "Kafka at %s refuses the login: %s; are the user and the password right?".formatted(address, reason);
        }
        if (cause instanceof AuthorizationException) {
            return "this user may not use %s at %s (%s); allow it with an ACL"
                    .formatted(about, address, reason.replaceAll("\\.$", ""));
        }
        if (cause instanceof UnknownTopicOrPartitionException) {
            return "there is no %s at %s; create the topics with 'finestream topics create'"
                    .formatted(about.replaceFirst("^the ", ""), address);
        }
        return "Kafka at %s: %s".formatted(address, reason);
    }

    static String firstLine(Throwable cause) {
        return String.valueOf(cause.getMessage()).lines().findFirst().orElse("no reason given");
    }

    static Throwable causeOf(Exception e) {
        return e.getCause() == null ? e : e.getCause();
    }

    /** Does not wait: a client without a broker would look for one as long again. */
    @Override
    public void close() {
        admin.close(Duration.ZERO);
    }
}
