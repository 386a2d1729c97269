package io.finestream.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class EmbeddedKafkaITCase {

    private static final TopicPartition PARTITION = new TopicPartition("letters", 0);

    @TempDir
    static Path dir;

    private EmbeddedKafka kafka;

    @BeforeAll
    void start() throws IOException {
        kafka = EmbeddedKafka.start(dir, 0);
    }

    @AfterAll
    void close() {
        kafka.close();
    }

    @Test
    void aRestartOnAnotherPortKeepsClusterTopicsAndRecords() throws Exception {
        String cluster = clusterId();
        String address = kafka.bootstrapServers();
        try (Admin admin = Admin.create(client())) {
            admin.createTopics(List.of(new NewTopic(PARTITION.topic(), 1, (short) 1)))
                    .all()
                    .get();
        }
        send("before", "a");

        kafka.close();
        try (ServerSocket taken = new ServerSocket(port(address), 1, InetAddress.getLoopbackAddress())) {
            assertThatThrownBy(() -> EmbeddedKafka.start(dir, taken.getLocalPort()))
                    .isInstanceOf(IOException.class)
                    .hasMessage(
                            "port %d on 127.0.0.1 is not free (Address already in use); choose another, or 0 for any free one"
                                    .formatted(taken.getLocalPort()));
            kafka = EmbeddedKafka.start(dir, 0);
        }

        assertThat(kafka.bootstrapServers()).isNotEqualTo(address);
        assertThat(clusterId()).isEqualTo(cluster);
        send("after", "b");
        assertThat(records(2)).containsExactly("a", "b");
    }

    @Test
    void aSecondBrokerInTheDirectoryIsRefused() {
        assertThatThrownBy(() -> EmbeddedKafka.start(dir, 0))
                .isInstanceOf(IOException.class)
                .hasMessage("another broker runs in %s; stop it or choose another directory".formatted(dir));
    }

    @Test
    void otherAddressesOfThisMachineDoNotAnswer() throws IOException {
        int port = port(kafka.bootstrapServers());
        new Socket(InetAddress.getLoopbackAddress(), port).close();
        List<InetAddress> others = NetworkInterface.networkInterfaces()
                .flatMap(NetworkInterface::inetAddresses)
                .filter(address -> !address.isLoopbackAddress())
                .toList();
        assertThat(others)
                .allSatisfy(address ->
                        assertThatThrownBy(() -> new Socket(address, port)).isInstanceOf(IOException.class));
    }

    @Test
    void recordsGoToNoTopicThatWasNotCreated() {
        try (KafkaProducer<String, String> producer = producer(Duration.ofSeconds(1))) {
            assertThatThrownBy(() ->
                            producer.send(new ProducerRecord<>("absent", "x")).get())
                    .isInstanceOf(ExecutionException.class)
                    .hasMessageContaining("absent");
        }
    }

    private Map<String, Object> client() {
        return Map.of("bootstrap.servers", kafka.bootstrapServers());
    }

    private String clusterId() throws Exception {
        try (Admin admin = Admin.create(client())) {
            return admin.describeCluster().clusterId().get();
        }
    }

    private void send(String key, String value) throws Exception {
        try (KafkaProducer<String, String> producer = producer(Duration.ofSeconds(20))) {
            producer.send(new ProducerRecord<>(PARTITION.topic(), key, value)).get();
        }
    }

    private KafkaProducer<String, String> producer(Duration patience) {
        return new KafkaProducer<>(
                Map.of("bootstrap.servers", kafka.bootstrapServers(), "max.block.ms", patience.toMillis()),
                new StringSerializer(),
                new StringSerializer());
    }

    private List<String> records(int count) {
        try (KafkaConsumer<String, String> consumer =
                new KafkaConsumer<>(client(), new StringDeserializer(), new StringDeserializer())) {
            consumer.assign(List.of(PARTITION));
            consumer.seekToBeginning(List.of(PARTITION));
            List<String> values = new ArrayList<>();
            long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
            while (values.size() < count && System.nanoTime() < end) {
                consumer.poll(Duration.ofMillis(200)).forEach(record -> values.add(record.value()));
            }
            return values;
        }
    }

    private static int port(String address) {
        return Integer.parseInt(address.substring(address.indexOf(':') + 1));
    }
}
