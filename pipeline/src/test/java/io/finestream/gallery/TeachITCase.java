package io.finestream.gallery;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.finestream.TinyModel;
import io.finestream.TinyVersions;
import io.finestream.codec.Images;
import io.finestream.dit.Taxonomy;
import io.finestream.flowers.FlowerFamily;
import io.finestream.flowers.FlowerRenderer;
import io.finestream.flowers.Species;
import io.finestream.kafka.EmbeddedKafka;
import io.finestream.kafka.Topics;
import io.finestream.kafka.VersionHistory;
import io.finestream.kafka.VersionPublisher;
import io.finestream.schemas.GateResult;
import io.finestream.schemas.ImageUse;
import io.finestream.schemas.LabeledImage;
import io.finestream.schemas.LiveVersion;
import io.finestream.schemas.OffsetRange;
import io.finestream.schemas.ParameterSlice;
import io.finestream.schemas.ParameterVersion;
import io.finestream.schemas.wire.AvroCodec;
import io.finestream.schemas.wire.WireFormat;
import io.finestream.torch.TorchOps;
import io.finestream.versions.ParameterSlices;
import io.finestream.versions.TunedModel;
import io.finestream.weights.Adapter;
import io.finestream.weights.ModelChoice;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.io.TempDir;

class TeachITCase {

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final WireFormat WIRE = new WireFormat.SingleObject();
    private static final AvroCodec<LabeledImage> LABELS = new AvroCodec<>(LabeledImage.class, WIRE);
    private static final Taxonomy.ClassName STAR = new Taxonomy.ClassName("bent", "star");
    private static final HttpClient BROWSER =
            HttpClient.newBuilder().connectTimeout(PATIENCE).build();

    @TempDir
    static Path shared;

    @TempDir
    Path adapters;

    private static EmbeddedKafka kafka;
    private static Path model;
    private static TinyVersions versions;

    private Topics topics;
    private Gallery gallery;

    @BeforeAll
    static void start() throws IOException {
        kafka = EmbeddedKafka.start(shared.resolve("kafka"), 0);
        model = TinyModel.write(shared.resolve("model"), 1);
        versions = new TinyVersions(model);
    }

    @AfterAll
    static void close() {
        kafka.close();
    }

    @BeforeEach
    void startGallery(TestInfo test) throws IOException {
        topics = Topics.DEFAULT.withPrefix(test.getTestMethod().orElseThrow().getName() + ".");
        topics.create(new HashMap<>(client()), 1, (short) 1);
        ModelChoice choice = ModelChoice.of(model.toString());
        Taxonomy taxonomy = choice.locate().readTaxonomy(choice.locate().readConfig());
        Teaching teaching = new Teaching(taxonomy, adapters, choice);
        gallery = Gallery.start(
                new HashMap<>(client()), topics, WIRE, PageAddress.local(0), SampleRecords.classes(), teaching, null);
    }

    @AfterEach
    void closeGallery() {
        gallery.close();
    }

    @Test
    void eightImagesThatAreDroppedAreEightLabeledRecords() throws Exception {
        List<byte[]> files = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            files.add(flower(i));
            HttpResponse<String> answer = teach("roses", "<b>moss</b> rose", i + ".png", files.get(i));
            assertThat(answer.statusCode()).as(answer.body()).isEqualTo(201);
        }

        List<LabeledImage> labels = labels();

        assertThat(labels).hasSize(8);
        assertThat(labels).extracting(LabeledImage::getImageId).doesNotHaveDuplicates();
        for (int i = 0; i < 8; i++) {
            LabeledImage label = labels.get(i);
            assertThat(label.getSuperclass()).isEqualTo("roses");
            assertThat(label.getSubclass()).isEqualTo("<b>moss</b> rose");
            assertThat(label.getImage().array()).isEqualTo(files.get(i));
            assertThat(label.getFormat()).isEqualTo("image/png");
            assertThat(label.getUse()).isEqualTo(ImageUse.LEARN);
            assertThat(label.getSource()).isEqualTo("the page: %d.png".formatted(i));
            assertThat(label.getLabeledAt()).isBetween(Instant.now().minus(PATIENCE), Instant.now());
        }
    }

    @Test
    void theSameFileIsTheSameImageOfItsClass() throws Exception {
        teach("roses", "moss rose", "a.png", flower(1));
        teach("roses", "moss rose", "b.png", flower(1));
        teach("roses", "tea rose", "a.png", flower(1));

        List<String> ids = labels().stream().map(LabeledImage::getImageId).toList();

        assertThat(ids.get(1)).isEqualTo(ids.get(0)).startsWith("moss rose/");
        assertThat(ids.get(2)).startsWith("tea rose/");
    }

    @Test
    void whatCanNotBeLearnedIsRefusedWithTheReasonAndMakesNoRecord() throws Exception {
        byte[] png = flower(1);
        byte[] text = "no picture\n".getBytes(StandardCharsets.UTF_8);
        String name = versions().names().get(0).subclass();

        assertRefused(teach("roses", "moss", "notes.png", text), 415, "no PNG, JPEG, GIF or BMP");
        assertRefused(teach("roses", "moss", "a.png", Arrays.copyOf(png, png.length / 2)), 422, "is damaged");
        assertRefused(teach("roses", "moss", "a.png", new byte[0]), 422, "the file is empty");
        assertRefused(teach("roses", " ", "a.png", png), 422, "the subclass is empty");
        assertRefused(teach("", "moss", "a.png", png), 422, "the superclass is empty");
        assertRefused(teach("roses", "m\nm", "a.png", png), 422, "control characters");
        assertRefused(teach("roses", "m".repeat(201), "a.png", png), 422, "201 characters, expected at most 200");
        assertRefused(teach("elsewhere", name, "a.png", png), 422, "expected one superclass");

        assertThat(labels()).isEmpty();
    }

    @Test
    void hundredMegabytesAreRefusedBeforeTheyAreRead() throws Exception {
        String answer = raw("POST /api/labeled-images?superclass=roses&subclass=moss HTTP/1.1", "", 100_000_000);

        assertThat(answer)
                .startsWith("HTTP/1.1 413")
                .contains("100.0 MB, expected at most 8.3 MB; scale the image down");
        assertThat(labels()).isEmpty();
    }

    @Test
    void onlyThisPagePosts() throws Exception {
        String request = "POST /api/labeled-images?superclass=roses&subclass=moss HTTP/1.1";
        assertThat(raw(request, "Origin: http://evil.example\r\n", 0)).startsWith("HTTP/1.1 403");
        assertThat(raw(request, "Origin: null\r\n", 0)).startsWith("HTTP/1.1 403");
        String own = "Origin: http://127.0.0.1:%d\r\n".formatted(gallery.uri().getPort());
        assertThat(raw(request, own, 0)).startsWith("HTTP/1.1 422");
        assertThat(get("api/rollback?version=1").statusCode()).isEqualTo(405);
        assertThat(get("teach.html").body()).doesNotContain("http:", "https:", "style=");
        for (String script : List.of("teach.js", "timeline.js")) {
            assertThat(get(script).body())
                    .contains("textContent")
                    .doesNotContain("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(");
        }
    }

    @Test
    void aVersionComesWithItsFiguresAndThenWithWhatItWasTaught() throws Exception {
        teach(STAR.superclass(), STAR.subclass(), "a.png", flower(1));
        teach(STAR.superclass(), STAR.subclass(), "b.png", flower(2));
        Instant published = Instant.now().plusSeconds(5);
        ParameterVersion commit = commit(1, STAR);
        commit.setGate(List.of(new GateResult("known classes", "mean squared error", 0.12, 0.11)));
        commit.setTrainingLoss(0.25);
        commit.setCreatedAt(published);
        commit.setTrainedOffsets(List.of(new OffsetRange(topics.labeled(), 0, 0L, 1L)));
        publish(versions.version(1, STAR), commit);

        JsonNode version = version(shown -> shown.has("lesson"));

        assertThat(version.path("version").asInt()).isEqualTo(1);
        assertThat(version.path("parent").asInt()).isZero();
        assertThat(version.path("step").asInt()).isEqualTo(100);
        assertThat(version.path("trainingLoss").asDouble()).isEqualTo(0.25);
        assertThat(version.at("/gate/0/group").asText()).isEqualTo("known classes");
        assertThat(version.at("/gate/0/after").asDouble()).isEqualTo(0.11);
        assertThat(version.at("/added/0/subclass").asText()).isEqualTo("star");
        assertThat(version.at("/lesson/images/0/subclass").asText()).isEqualTo("star");
        assertThat(version.at("/lesson/images/0/count").asInt()).isEqualTo(2);
        assertThat(version.at("/lesson/isWhole").asBoolean()).isTrue();
        long last = records().get(1).timestamp();
        assertThat(version.at("/lesson/freshnessMillis").asLong()).isEqualTo(published.toEpochMilli() - last);
        assertRefused(teach("round", "star", "c.png", flower(3)), 422, "'star' is in superclass 'bent'");
    }

    @Test
    void rollbackPublishesTheEarlierVersionUnderANewNumber() throws Exception {
        LiveVersion first = versions.version(1);
        publish(first, commit(1));
        writeAdapter(first);
        publish(versions.version(2), commit(2));

        HttpResponse<String> answer = post("api/rollback?version=1", new byte[0]);

        assertThat(answer.body()).isEqualTo("{\"version\":3}");
        try (VersionHistory history = VersionHistory.read(client(), topics.parameters(), WIRE, null)) {
            assertThat(history.newest().getVersion()).isEqualTo(3);
            assertThat(history.newest().getPublisher()).isEqualTo("the page");
            Map<String, ParameterSlice> tensors = new HashMap<>();
            history.newestWhole().getTensors().forEach(tensor -> tensors.put(tensor.getTensor(), tensor));
            assertThat(tensors).hasSameSizeAs(first.getTensors());
            first.getTensors()
                    .forEach(
                            tensor -> assertThat(tensors.get(tensor.getTensor()).getData())
                                    .as(tensor.getTensor())
                                    .isEqualTo(tensor.getData()));
        }
        JsonNode shown = version(version -> version.path("version").asInt() == 3);
        assertThat(shown.path("comment").asText()).isEqualTo("rollback to 1");
    }

    @Test
    void aRollbackThatCanNotBeDoneSaysWhyAndPublishesNothing() throws Exception {
        assertRefused(post("api/rollback?version=1", new byte[0]), 409, "there is no version in the topic");
        publish(versions.version(1), commit(1));
        publish(versions.version(2), commit(2));

        assertRefused(post("api/rollback?version=1", new byte[0]), 409, "the tensors of version 1 are not to be had");
        assertRefused(post("api/rollback?version=9", new byte[0]), 409, "there is no version 9");
        assertRefused(post("api/rollback?version=2", new byte[0]), 409, "version 2 is the newest already");
        assertRefused(post("api/rollback?version=two", new byte[0]), 400, "the version is 'two', expected a number");

        try (VersionHistory history = VersionHistory.read(client(), topics.parameters(), WIRE, null)) {
            assertThat(history.commits()).hasSize(2);
        }
    }

    private HttpResponse<String> teach(String superclass, String subclass, String name, byte[] file) throws Exception {
        return post(
                "api/labeled-images?superclass=%s&subclass=%s&name=%s"
                        .formatted(encoded(superclass), encoded(subclass), encoded(name)),
                file);
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    private HttpResponse<String> post(String path, byte[] body) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create(gallery.uri() + path))
                .timeout(PATIENCE)
                .POST(HttpRequest.BodyPublishers.ofByteArray(body))
                .build();
        return BROWSER.send(request, HttpResponse.BodyHandlers.ofString());
    }

    private HttpResponse<String> get(String path) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create(gallery.uri() + path))
                .timeout(PATIENCE)
                .build();
        return BROWSER.send(request, HttpResponse.BodyHandlers.ofString());
    }

    /** What the server says to headers alone; Java's own client sends what it announces, and names no origin. */
    private String raw(String requestLine, String headers, long contentLength) throws IOException {
        int port = gallery.uri().getPort();
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.setSoTimeout((int) PATIENCE.toMillis());
            String request = "%s\r\nHost: 127.0.0.1:%d\r\n%sContent-Length: %d\r\n\r\n"
                    .formatted(requestLine, port, headers, contentLength);
            socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            InputStream in = socket.getInputStream();
            StringBuilder answer = new StringBuilder();
            while (answer.indexOf("}") < 0 && answer.indexOf("send\n") < 0) {
                int next = in.read();
                if (next < 0) {
                    break;
                }
                answer.append((char) next);
            }
            return answer.toString();
        }
    }

    private static void assertRefused(HttpResponse<String> answer, int status, String reason) throws IOException {
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
        assertThat(new JsonMapper().readTree(answer.body()).path("error").asText())
                .contains(reason);
    }

    /** The first version in the events that is as expected. */
    private JsonNode version(Predicate<JsonNode> expected) throws Exception {
        HttpRequest request =
                HttpRequest.newBuilder(gallery.uri().resolve("api/versions")).build();
        long end = System.nanoTime() + PATIENCE.toNanos();
        try (Stream<String> lines =
                BROWSER.send(request, HttpResponse.BodyHandlers.ofLines()).body()) {
            String event = "";
            for (Iterator<String> i = lines.iterator(); System.nanoTime() < end && i.hasNext(); ) {
                String line = i.next();
                if (line.startsWith("event: ")) {
                    event = line;
                } else if (line.startsWith("data: ") && event.equals("event: version")) {
                    JsonNode version = new JsonMapper().readTree(line.substring("data: ".length()));
                    if (expected.test(version)) {
                        return version;
                    }
                }
            }
        }
        throw new AssertionError("no such version within " + PATIENCE);
    }

    private List<LabeledImage> labels() throws Exception {
        List<LabeledImage> labels = new ArrayList<>();
        for (ConsumerRecord<byte[], byte[]> record : records()) {
            labels.add(LABELS.decode(record.value()));
        }
        return labels;
    }

    private List<ConsumerRecord<byte[], byte[]>> records() {
        List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
        TopicPartition partition = new TopicPartition(topics.labeled(), 0);
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(
                new HashMap<>(client()), new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            consumer.assign(List.of(partition));
            consumer.seekToBeginning(List.of(partition));
            long end = consumer.endOffsets(List.of(partition)).get(partition);
            while (consumer.position(partition) < end) {
                consumer.poll(Duration.ofMillis(200)).forEach(records::add);
            }
        }
        return records;
    }

    private ParameterVersion commit(long number, Taxonomy.ClassName... added) {
        LiveVersion version = versions.version(number, added);
        return versions.commit(number, version.getTensors().size(), version.getAddedClasses());
    }

    private void publish(LiveVersion version, ParameterVersion commit) throws IOException {
        List<ParameterSlice> slices = ParameterSlices.changed(commit.getVersion(), version.getTensors(), Map.of());
        commit.setSlices(slices.size());
        try (VersionPublisher publisher = new VersionPublisher(client(), topics.parameters(), WIRE)) {
            publisher.publish(slices, commit);
        }
    }

    private void writeAdapter(LiveVersion version) throws IOException {
        Files.createDirectories(adapters);
        long number = version.getCommit().getVersion();
        try (NDManager m = TorchOps.newManager(Device.cpu())) {
            Adapter.write(
                    Adapter.file(adapters, number),
                    TunedModel.tensors(m, version),
                    new Adapter.Origin(
                            version.getCommit().getBaseModelHash(), number, TunedModel.addedClasses(version)));
        }
    }

    private static Taxonomy versions() throws IOException {
        ModelChoice choice = ModelChoice.of(model.toString());
        return choice.locate().readTaxonomy(choice.locate().readConfig());
    }

    private static byte[] flower(long seed) {
        return Images.toPng(FlowerRenderer.render(Species.of(FlowerFamily.ROSE, 1), seed, 64));
    }

    private static Map<String, String> client() {
        return Map.of("bootstrap.servers", kafka.bootstrapServers());
    }
}
