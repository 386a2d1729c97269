package io.finestream.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TopicsITCase {

    private static final short ONE_COPY = 1;

    @TempDir
    static Path dir;

    private static EmbeddedKafka kafka;
    private static Admin admin;

    @BeforeAll
    static void start() throws IOException {
        kafka = EmbeddedKafka.start(dir, 0);
        admin = Admin.create(client());
    }

    @AfterAll
    static void close() {
        admin.close();
        kafka.close();
    }

    private static Map<String, Object> client() {
        return Map.of("bootstrap.servers", kafka.bootstrapServers());
    }

    @Test
    void theFirstCallCreatesAllTopicsAndTheSecondNone() throws Exception {
        List<String> names = List.of(
                "generation-requests",
                "generated-images",
                "labeled-images",
                "parameters",
                "dead-letters",
                "generation-events",
                "generation-control");

        assertThat(Topics.DEFAULT.create(client(), 4, ONE_COPY)).isEqualTo(new Topics.Created(names, List.of()));
        assertThat(Topics.DEFAULT.create(client(), 4, ONE_COPY)).isEqualTo(new Topics.Created(List.of(), names));

        assertThat(partitions("generation-requests")).isEqualTo(4);
        assertThat(partitions("parameters")).isEqualTo(1);
        assertThat(partitions("generation-control")).isEqualTo(1);
    }

    @Test
    void onlyTheMissingTopicsAreCreated() throws Exception {
        Topics topics = Topics.DEFAULT.withPrefix("some.");
        admin.createTopics(List.of(new NewTopic("some.labeled-images", 2, ONE_COPY)))
                .all()
                .get();

        Topics.Created created = topics.create(client(), 1, ONE_COPY);

        assertThat(created.existed()).containsExactly("some.labeled-images");
        assertThat(created.created()).hasSize(6).doesNotContain("some.labeled-images");
        assertThat(partitions("some.labeled-images")).isEqualTo(2);
    }

    @Test
    void parametersAreCompactedAndTheOthersExpire() throws Exception {
        Topics topics = Topics.DEFAULT.withPrefix("kept.");
        topics.create(client(), 1, ONE_COPY);

        assertThat(config(topics.parameters()).get("cleanup.policy").value()).isEqualTo("compact");
        assertThat(config(topics.images()).get("cleanup.policy").value()).isEqualTo("delete");
        assertThat(config(topics.images()).get("retention.ms").value()).isEqualTo("604800000");
    }

    @Test
    void aDeadLetterHasRoomForTheLargestMessage() throws Exception {
        Topics topics = Topics.DEFAULT.withPrefix("large.");
        topics.create(client(), 1, ONE_COPY);
        int eightMib = 8 << 20;
        assertThat(config(topics.images()).get("max.message.bytes").value()).isEqualTo(Integer.toString(eightMib));

        Map<String, Object> properties =
                Map.of("bootstrap.servers", kafka.bootstrapServers(), "max.request.size", 2 * eightMib);
        try (KafkaProducer<byte[], byte[]> producer =
                new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer())) {
            ProducerRecord<byte[], byte[]> large = new ProducerRecord<>(topics.deadLetters(), new byte[eightMib]);
            assertThat(producer.send(large).get().offset()).isZero();
        }
    }

    @Test
    void parametersThatExistUncompactedAreRefused() throws Exception {
        admin.createTopics(List.of(new NewTopic("wrong.parameters", 3, ONE_COPY)))
                .all()
                .get();
        assertThatThrownBy(() -> Topics.DEFAULT.withPrefix("wrong.").create(client(), 1, ONE_COPY))
                .isInstanceOf(IOException.class)
                .hasMessage("the topic wrong.parameters exists with cleanup.policy=delete and 3 partitions, expected"
                        + " compact and 1; delete it, or use a prefix for the topics");
    }

    @Test
    void moreCopiesThanBrokersAreRefused() {
        assertThatThrownBy(() -> Topics.DEFAULT.withPrefix("copies.").create(client(), 1, (short) 3))
                .isInstanceOf(IOException.class)
                .hasMessageStartingWith("Kafka refuses to create the topic copies.")
                .hasMessageContaining("replication factor");
    }

    @Test
    void anAddressWithoutABrokerIsNamed() throws IOException {
        String address;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            address = "127.0.0.1:" + free.getLocalPort();
        }
        assertThatThrownBy(() -> Topics.DEFAULT.create(Map.of("bootstrap.servers", address), 1, ONE_COPY))
                .isInstanceOf(IOException.class)
                .hasMessage(("no Kafka broker answers at %s within 10 s; is it running, and are the address and"
                                + " security.protocol right?")
                        .formatted(address));
    }

    @Test
    void anAddressThatIsNoneIsNamed() {
        assertThatThrownBy(() -> Topics.DEFAULT.create(Map.of("bootstrap.servers", "nowhere"), 1, ONE_COPY))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("nowhere")
                .message()
                .hasLineCount(1);
    }

    private static int partitions(String topic) throws Exception {
        return admin.describeTopics(List.of(topic))
                .allTopicNames()
                .get()
                .get(topic)
                .partitions()
                .size();
    }

    private static Config config(String topic) throws Exception {
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        return admin.describeConfigs(List.of(resource)).all().get().get(resource);
    }
}
