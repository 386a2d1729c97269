package io.finestream.gallery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.finestream.TinyModel;
import io.finestream.kafka.Topics;
import io.finestream.schemas.wire.WireFormat;
import io.finestream.weights.ModelChoice;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** There is no Kafka here: the map needs none. */
class ClassMapAnswersTest {

    private static final Duration PATIENCE = Duration.ofMinutes(1);

    private final HttpClient browser =
            HttpClient.newBuilder().connectTimeout(PATIENCE).build();
    private ServerSocket silent; // accepts and never answers
    private Gallery gallery;

    @BeforeEach
    void start() throws Exception {
        silent = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        Map<String, Object> client = Map.of("bootstrap.servers", "127.0.0.1:" + silent.getLocalPort());
        gallery = Gallery.start(
                client,
                Topics.DEFAULT,
                new WireFormat.SingleObject(),
                PageAddress.local(0),
                SampleRecords.classes(),
                Teaching.UNKNOWN,
                null);
    }

    @AfterEach
    void close() throws Exception {
        gallery.close();
        silent.close();
    }

    @Test
    void theMapComesWhenItIsLaidOut(@TempDir Path dir) throws Exception {
        gallery.mapClasses(ModelChoice.of(TinyModel.write(dir, 1).toString()));
        await().atMost(PATIENCE).until(() -> get("api/map").statusCode() != 202);
        HttpResponse<String> answer = get("api/map");
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        assertThat(answer.headers().firstValue("Content-Type")).hasValue("application/json");
        JsonNode map = new ObjectMapper().readTree(answer.body());
        assertThat(map.get("version").longValue()).isZero();
        assertThat(map.get("classes")).hasSize(TinyModel.CLASSES);
        assertThat(map.get("classes").get(5).get("name").textValue()).isEqualTo("class 5");
        assertThat(map.get("superclasses").get(0).get("place").get("x").doubleValue())
                .isBetween(0.0, 1.0);
    }

    @Test
    void aModelThatIsNotThereIsSaid() throws Exception {
        gallery.mapClasses(ModelChoice.of("/nowhere/model"));
        await().atMost(PATIENCE).until(() -> get("api/map").statusCode() != 202);
        HttpResponse<String> answer = get("api/map");
        assertThat(answer.statusCode()).isEqualTo(500);
        assertThat(answer.body()).contains("/nowhere/model");
    }

    @Test
    void withoutAModelThereIsNoMap() throws Exception {
        assertThat(get("api/map").statusCode()).isEqualTo(404);
        assertThat(get("api/mapping").statusCode()).isEqualTo(404);
        assertThat(get("map.html").body()).doesNotContain("http:", "https:", "style=");
        assertThat(get("map.js").body()).doesNotContain("innerHTML", "outerHTML", "insertAdjacentHTML");
        assertThat(get("map.css").statusCode()).isEqualTo(200);
    }

    private HttpResponse<String> get(String path) throws Exception {
        return browser.send(
                HttpRequest.newBuilder(URI.create(gallery.uri() + path))
                        .timeout(PATIENCE)
                        .build(),
                HttpResponse.BodyHandlers.ofString(StandardCharsets.UTF_8));
    }
}
