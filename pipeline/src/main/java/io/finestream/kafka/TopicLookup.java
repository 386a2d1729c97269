package io.finestream.kafka;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/** Asks the brokers for a topic before a client starts, which would otherwise wait for them without a word. */
public final class TopicLookup {

    public static final Duration PATIENCE = Duration.ofSeconds(10);

    private TopicLookup() {}

    /** Something to ask the brokers. */
    private interface Question<T> {
        T ask(Admin admin) throws ExecutionException, InterruptedException;
    }

    /**
     * How many partitions the topic has.
     *
     * @param client settings of Kafka's clients
     * @throws IOException in one line, if no broker answers or there is no such topic
     */
    public static int partitions(Map<String, String> client, String topic) throws IOException {
        return ask(client, topic, admin -> {
            Map<String, TopicDescription> topics =
                    admin.describeTopics(List.of(topic)).allTopicNames().get();
            return topics.values().iterator().next().partitions().size();
        });
    }

    /**
     * The largest record that the topic takes, in bytes.
     *
     * @param client settings of Kafka's clients
     * @throws IOException as {@link #partitions}
     */
    public static int largestRecordBytes(Map<String, String> client, String topic) throws IOException {
        return ask(client, topic, admin -> {
            ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
            Map<ConfigResource, Config> configs =
                    admin.describeConfigs(List.of(resource)).all().get();
            Config config = configs.values().iterator().next();
            return Integer.parseInt(
                    config.get(TopicConfig.MAX_MESSAGE_BYTES_CONFIG).value());
        });
    }

    private static <T> T ask(Map<String, String> client, String topic, Question<T> question) throws IOException {
        Map<String, Object> settings = new HashMap<>(client);
        settings.put(AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, (int) PATIENCE.toMillis());
        settings.put(AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG, (int) PATIENCE.toMillis());
        String address = String.valueOf(client.get(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG));
        try (Admin admin = Admin.create(settings)) {
            return question.ask(admin);
        } catch (ExecutionException | RuntimeException e) { // runtime: an address that is none
            throw unanswered(address, topic, e.getCause() == null ? e : e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while asking " + address + " for the topic " + topic);
        }
    }

    private static IOException unanswered(String address, String topic, Throwable cause) {
        if (cause instanceof TimeoutException) {
            return new IOException(
                    "no broker at %s within %d s; is Kafka running, and is the address right?"
                            .formatted(address, PATIENCE.toSeconds()),
                    cause);
        }
        if (cause instanceof UnknownTopicOrPartitionException) {
            return new IOException(
                    "there is no topic %s at %s; create the topics with 'finestream topics create'"
                            .formatted(topic, address),
                    cause);
        }
        return new IOException("Kafka at %s: %s".formatted(address, cause.getMessage()), cause);
    }
}
