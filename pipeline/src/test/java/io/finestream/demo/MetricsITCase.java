package io.finestream.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.finestream.TinyModel;
import io.finestream.flink.GenerationSettings;
import io.finestream.schemas.ReasonCode;
import java.io.IOException;
import java.net.ConnectException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What Prometheus reads from the running demo. */
class MetricsITCase {

    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final Path README = Path.of("..", "README.md");
    private static final Path DASHBOARD = Path.of("..", "docker", "grafana", "finestream.json");
    private static final String OPERATOR = "flink_taskmanager_job_task_operator_";
    private static final Pattern NAME_IN_TABLE = Pattern.compile("(?m)^\\| (`[^|]*`) \\| [^|]+ \\| [^|]+ \\|$");
    private static final Pattern NAME_IN_QUERY = Pattern.compile("flink_\\w+");

    @TempDir
    static Path directory;

    private static Demo demo;

    @BeforeAll
    static void start() throws Exception {
        String model = TinyModel.write(directory.resolve("model"), 1).toString();
        demo = Demo.start(
                new Demo.Options(directory.resolve("state"), GenerationSettings.forModel(model), 2, 0, 0, 0, 0, 5),
                progress -> {});
        Awaitility.await().atMost(PATIENCE).until(() -> sum("images") >= 5 && has("loss"));
    }

    @AfterAll
    static void stop() throws Exception {
        demo.close();
    }

    @Test
    void everyMetricOfTheReadmesTableIsScraped() throws Exception {
        String readme = Files.readString(README);
        String section = readme.substring(readme.indexOf("## Metrics"));
        Set<String> documented = NAME_IN_TABLE
                .matcher(section.substring(0, section.indexOf("\n## ", 1)))
                .results()
                .flatMap(
                        row -> Pattern.compile("`(\\w+)`").matcher(row.group(1)).results())
                .map(name -> OPERATOR + name.group(1))
                .collect(Collectors.toCollection(TreeSet::new));
        assertThat(documented).hasSizeGreaterThan(30);
        assertThat(names()).containsAll(documented);
    }

    @Test
    void everyMetricOfTheDashboardIsScraped() throws Exception {
        JsonNode dashboard = new ObjectMapper().readTree(DASHBOARD.toFile());
        Set<String> shown = dashboard.findValuesAsText("expr").stream()
                .flatMap(query -> NAME_IN_QUERY.matcher(query).results())
                .map(MatchResult::group)
                .collect(Collectors.toCollection(TreeSet::new));
        assertThat(shown).hasSizeGreaterThan(20);
        assertThat(names()).containsAll(shown);
    }

    @Test
    void figuresAreThoseOfTheWorkDone() throws Exception {
        assertThat(sum("steps")).isGreaterThanOrEqualTo(sum("images"));
        assertThat(sum("rows")).isGreaterThanOrEqualTo(sum("steps"));
        assertThat(values("batchOccupancyPercent", "quantile=\"0.5\""))
                .allSatisfy(percent -> assertThat(percent).isBetween(1.0, 100.0));
        assertThat(values("versionsLive", ""))
                .hasSize(2)
                .allSatisfy(versions -> assertThat(versions).isGreaterThanOrEqualTo(1));
        assertThat(values("residentBytes", ""))
                .allSatisfy(bytes ->
                        assertThat(bytes).isGreaterThan(Runtime.getRuntime().totalMemory() / 100.0));
    }

    @Test
    void deadLettersAreCountedByReason() throws Exception {
        Map<String, Object> client = Map.of("bootstrap.servers", demo.bootstrapServers());
        double before = sum("reason_deadLetters", label(ReasonCode.UNREADABLE));
        try (KafkaProducer<byte[], byte[]> producer =
                new KafkaProducer<>(client, new ByteArraySerializer(), new ByteArraySerializer())) {
            for (String topic : List.of("generation-requests", "labeled-images")) {
                producer.send(new ProducerRecord<>(topic, "no record".getBytes(StandardCharsets.UTF_8)));
            }
        }
        Awaitility.await()
                .atMost(PATIENCE)
                .until(() -> sum("reason_deadLetters", label(ReasonCode.UNREADABLE)) == before + 2);
        assertThat(sum("reason_deadLetters", label(ReasonCode.EXPIRED))).isZero();
    }

    @Test
    void metricsAreServedAtOneAddressOnly() {
        assertThatThrownBy(() -> new Socket("127.0.0.2", demo.metrics().getPort()).close())
                .isInstanceOf(ConnectException.class);
    }

    private static String label(ReasonCode reason) {
        return "reason=\"" + reason + "\"";
    }

    private static boolean has(String name) throws IOException, InterruptedException {
        return names().contains(OPERATOR + name);
    }

    private static Set<String> names() throws IOException, InterruptedException {
        return samples().stream().map(line -> line.split("[{ ]", 2)[0]).collect(Collectors.toSet());
    }

    private static double sum(String name) throws IOException, InterruptedException {
        return sum(name, "");
    }

    private static double sum(String name, String label) throws IOException, InterruptedException {
        return values(name, label).stream().mapToDouble(Double::doubleValue).sum();
    }

    /** Of an operator's metric, one for each subtask that has the label. */
    private static List<Double> values(String name, String label) throws IOException, InterruptedException {
        return samples().stream()
                .filter(line -> line.startsWith(OPERATOR + name + "{") && line.contains(label))
                .map(line -> Double.valueOf(line.substring(line.lastIndexOf(' ') + 1)))
                .toList();
    }

    private static List<String> samples() throws IOException, InterruptedException {
        URI metrics = demo.metrics();
        HttpResponse<String> response = HttpClient.newHttpClient()
                .send(HttpRequest.newBuilder(metrics).build(), HttpResponse.BodyHandlers.ofString());
        assertThat(response.statusCode()).isEqualTo(200);
        return response.body().lines().filter(line -> !line.startsWith("#")).toList();
    }
}
