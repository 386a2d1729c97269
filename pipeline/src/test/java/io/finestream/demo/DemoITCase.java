package io.finestream.demo;

import static org.assertj.core.api.Assertions.assertThat;

import io.finestream.TinyModel;
import io.finestream.flink.GenerationSettings;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DemoITCase {

    private static final Duration PATIENCE = Duration.ofMinutes(1);

    @TempDir
    Path directory;

    @Test
    void imagesAppearAndTheStateSurvivesARestart() throws Exception {
        Demo.Options options = options(0, 5);
        Set<String> first;
        try (Demo demo = start(options)) {
            Awaitility.await().atMost(PATIENCE).until(() -> images(demo).size() >= 5);
            assertThat(get(demo.page())).contains("FineStream");
            assertThat(get(demo.flinkPage())).contains("Apache Flink");
            first = images(demo);
        }
        try (Demo demo = start(options)) {
            assertThat(images(demo)).containsAll(first);
            Awaitility.await().atMost(PATIENCE).until(() -> images(demo).size() >= first.size() + 5);
        }
    }

    @Test
    void anotherPortIsTakenWhereTheUsualOneIsInUse() throws Exception {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"));
                Demo demo = start(options(taken.getLocalPort(), 0))) {
            assertThat(demo.page().getPort()).isNotEqualTo(taken.getLocalPort());
            assertThat(get(demo.page())).contains("FineStream");
        }
    }

    @Test
    void nothingListensAfterItIsClosed() throws Exception {
        Demo demo = start(options(0, 1));
        int kafkaPort = Integer.parseInt(demo.bootstrapServers().split(":", -1)[1]);
        demo.close();
        assertThat(listens(demo.page().getPort())).isFalse();
        assertThat(listens(demo.flinkPage().getPort())).isFalse();
        assertThat(listens(kafkaPort)).isFalse();
        assertThat(listens(demo.metrics().getPort())).isFalse();
    }

    private Demo.Options options(int pagePort, double rate) {
        String model = TinyModel.write(directory.resolve("model"), 1).toString();
        return new Demo.Options(
                directory.resolve("state"), GenerationSettings.forModel(model), 2, 0, 0, pagePort, 0, rate);
    }

    private static Demo start(Demo.Options options) throws Exception {
        return Demo.start(options, progress -> {});
    }

    private static String get(URI uri) throws IOException, InterruptedException {
        HttpResponse<String> response = HttpClient.newHttpClient()
                .send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString());
        assertThat(response.statusCode()).isEqualTo(200);
        return response.body();
    }

    /** Places of the committed images in their topic. */
    private static Set<String> images(Demo demo) {
        Map<String, Object> properties = new HashMap<>();
        properties.put("bootstrap.servers", demo.bootstrapServers());
        properties.put("isolation.level", "read_committed");
        properties.put("auto.offset.reset", "earliest");
        Set<String> places = new HashSet<>();
        try (KafkaConsumer<byte[], byte[]> consumer =
                new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            consumer.assign(consumer.partitionsFor("generated-images").stream()
                    .map(partition -> new TopicPartition(partition.topic(), partition.partition()))
                    .toList());
            Map<TopicPartition, Long> end = consumer.endOffsets(consumer.assignment());
            while (end.entrySet().stream().anyMatch(e -> consumer.position(e.getKey()) < e.getValue())) {
                consumer.poll(Duration.ofMillis(100))
                        .forEach(record -> places.add(record.partition() + "@" + record.offset()));
            }
        }
        return places;
    }

    private static boolean listens(int port) {
        try (Socket socket = new Socket(InetAddress.getByName("127.0.0.1"), port)) {
            return socket.isConnected();
        } catch (IOException refused) {
            return false;
        }
    }
}
