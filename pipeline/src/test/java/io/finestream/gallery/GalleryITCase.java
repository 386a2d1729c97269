package io.finestream.gallery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.finestream.flowers.FlowerFamily;
import io.finestream.flowers.Species;
import io.finestream.kafka.EmbeddedKafka;
import io.finestream.kafka.Topics;
import io.finestream.schemas.ControlAction;
import io.finestream.schemas.DeadLetter;
import io.finestream.schemas.EventKind;
import io.finestream.schemas.GeneratedImage;
import io.finestream.schemas.GenerationControl;
import io.finestream.schemas.GenerationEvent;
import io.finestream.schemas.wire.AvroCodec;
import io.finestream.schemas.wire.WireFormat;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GalleryITCase {

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final WireFormat FORMAT = new WireFormat.SingleObject();
    private static final Topics TOPICS = Topics.DEFAULT;
    private static final AvroCodec<GeneratedImage> IMAGES = new AvroCodec<>(GeneratedImage.class, FORMAT);
    private static final AvroCodec<DeadLetter> DEAD_LETTERS = new AvroCodec<>(DeadLetter.class, FORMAT);
    private static final AvroCodec<GenerationEvent> EVENTS = new AvroCodec<>(GenerationEvent.class, FORMAT);
    private static final AvroCodec<GenerationControl> CONTROL = new AvroCodec<>(GenerationControl.class, FORMAT);
    private static final HttpClient BROWSER =
            HttpClient.newBuilder().connectTimeout(PATIENCE).build();

    @TempDir
    static Path dir;

    private static EmbeddedKafka kafka;
    private static KafkaProducer<byte[], byte[]> producer;
    private static Gallery gallery;

    @BeforeAll
    static void start() throws Exception {
        kafka = EmbeddedKafka.start(dir, 0);
        TOPICS.create(client(), 2, (short) 1);
        producer = producer(Map.of());
        gallery = startGallery(0);
        await().atMost(PATIENCE).until(GalleryITCase::isLive);
    }

    /** Until then, what is sent may still count as from before. */
    private static boolean isLive() throws Exception {
        send(flower(0));
        try (ServerSentEvents events = new ServerSentEvents(BROWSER, gallery.uri(), null)) {
            return events.status(status -> true).get("images").longValue() > 0;
        }
    }

    @AfterAll
    static void close() {
        gallery.close();
        producer.close();
        kafka.close();
    }

    @Test
    void anImageAppearsInTheEventsAndAsAFile() throws Exception {
        GeneratedImage image = flower(1);
        send(image);

        try (ServerSentEvents events = new ServerSentEvents(BROWSER, gallery.uri(), null)) {
            JsonNode shown = events.image(image.getRequestId());
            assertThat(shown.get("subclass").textValue()).isEqualTo(image.getSubclass());
            assertThat(shown.get("superclass").textValue()).isEqualTo(image.getSuperclass());
            assertThat(shown.get("seed").textValue()).isEqualTo("1");
            assertThat(shown.get("modelVersion").longValue()).isEqualTo(3);

            HttpResponse<byte[]> file = get("images/" + shown.get("number").longValue());
            assertThat(file.statusCode()).isEqualTo(200);
            assertThat(file.body()).isEqualTo(bytes(image));
            assertThat(file.headers().firstValue("Content-Type")).hasValue("image/png");
            assertThat(file.headers().firstValue("Cache-Control")).hasValue("private, max-age=86400, immutable");
        }
    }

    @Test
    void imagesFromBeforeTheGalleryAreShownOldestFirst() throws Exception {
        GeneratedImage older = flower(20);
        GeneratedImage newer = flower(21);
        send(older);
        send(newer);
        try (Gallery late = startGallery(0);
                ServerSentEvents events = new ServerSentEvents(BROWSER, late.uri(), null)) {
            long number = events.image(older.getRequestId()).get("number").longValue();
            assertThat(events.image(newer.getRequestId()).get("number").longValue())
                    .isGreaterThan(number);
        }
    }

    @Test
    void aReconnectingBrowserGetsOnlyWhatItMissed() throws Exception {
        send(flower(30));
        String last;
        try (ServerSentEvents events = new ServerSentEvents(BROWSER, gallery.uri(), null)) {
            last = events.image(flower(30).getRequestId()).get("number").asText();
        }
        send(flower(31));
        try (ServerSentEvents events = new ServerSentEvents(BROWSER, gallery.uri(), last)) {
            events.image(flower(31).getRequestId());
            assertThat(events.seen()).doesNotContain(flower(30).getRequestId());
        }
    }

    @Test
    void anImageOfAnAbortedTransactionIsNotShown() throws Exception {
        try (KafkaProducer<byte[], byte[]> transactional = producer(Map.of("transactional.id", "aborts"))) {
            transactional.initTransactions();
            transactional.beginTransaction();
            transactional
                    .send(new ProducerRecord<>(TOPICS.images(), IMAGES.encode(flower(40))))
                    .get();
            transactional.abortTransaction();
        }
        send(flower(41));
        try (ServerSentEvents events = new ServerSentEvents(BROWSER, gallery.uri(), null)) {
            events.image(flower(41).getRequestId());
            assertThat(events.seen()).doesNotContain(flower(40).getRequestId());
        }
    }

    @Test
    void markupInANameIsOnlyText() throws Exception {
        String name = "</script><img src=x onerror=\"alert(1)\">\nid: 7\n\ndata: {}";
        send(GeneratedImage.newBuilder(flower(2)).setSubclass(name).build());
        try (ServerSentEvents events = new ServerSentEvents(BROWSER, gallery.uri(), null)) {
            JsonNode shown = events.image(flower(2).getRequestId());
            assertThat(shown.get("subclass").textValue()).isEqualTo(name);
            assertThat(events.contentType()).isEqualTo("text/event-stream");
        }
    }

    @Test
    void aFileThatCouldRunScriptsIsServedAsUnknownBytes() throws Exception {
        send(GeneratedImage.newBuilder(flower(3)).setFormat("image/svg+xml").build());
        try (ServerSentEvents events = new ServerSentEvents(BROWSER, gallery.uri(), null)) {
            long number = events.image(flower(3).getRequestId()).get("number").longValue();
            assertThat(get("images/" + number).headers().firstValue("Content-Type"))
                    .hasValue("application/octet-stream");
        }
    }

    @Test
    void deadLettersAreCountedWithTheirReason() throws Exception {
        DeadLetter letter = SampleRecords.unknownClass("scarlet rsoe");
        producer.send(new ProducerRecord<>(TOPICS.deadLetters(), DEAD_LETTERS.encode(letter)))
                .get();
        try (ServerSentEvents events = new ServerSentEvents(BROWSER, gallery.uri(), null)) {
            JsonNode status = events.status(node -> node.get("refused").longValue() == 1);
            assertThat(status.at("/refusals/0/reason").textValue()).isEqualTo(letter.getReason());
            assertThat(status.at("/refusals/0/code").textValue()).isEqualTo("UNKNOWN_CLASS");
        }
    }

    @Test
    void whatHappensToARequestIsShownWithItsPreview() throws Exception {
        GenerationEvent step = GenerationEvent.newBuilder()
                .setRequestId("watched")
                .setSample(2)
                .setWhat(EventKind.STEP)
                .setStep(7)
                .setSteps(20)
                .setAt(Instant.ofEpochMilli(5))
                .setPreview(ByteBuffer.wrap(bytes(flower(4))))
                .build();
        try (ServerSentEvents events = new ServerSentEvents(BROWSER, gallery.uri(), null)) {
            events.status(status -> true); // it is listening
            producer.send(new ProducerRecord<>(TOPICS.events(), EVENTS.encode(step)))
                    .get();
            JsonNode told = events.progress("watched");
            assertThat(told.get("what").textValue()).isEqualTo("STEP");
            assertThat(told.get("sample").intValue()).isEqualTo(2);
            assertThat(told.get("step").intValue()).isEqualTo(7);
            assertThat(told.get("steps").intValue()).isEqualTo(20);
            assertThat(told.get("at").longValue()).isEqualTo(5);
            String preview = told.get("preview").textValue();
            assertThat(preview).startsWith("data:image/png;base64,");
            assertThat(Base64.getDecoder().decode(preview.substring(preview.indexOf(',') + 1)))
                    .isEqualTo(bytes(flower(4)));
        }
    }

    @Test
    void aPageCancelsARequest() throws Exception {
        HttpResponse<String> answer = cancel("{\"requestId\": \"unwanted\"}");
        assertThat(answer.statusCode()).isEqualTo(202);
        assertThat(answer.body()).isEqualTo("{\"requestId\":\"unwanted\"}");
        try (KafkaConsumer<byte[], byte[]> consumer =
                new KafkaConsumer<>(client(), new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            TopicPartition control = new TopicPartition(TOPICS.control(), 0);
            consumer.assign(List.of(control));
            consumer.seekToBeginning(List.of(control));
            await().atMost(PATIENCE).pollInSameThread().until(() -> {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
                    GenerationControl told = CONTROL.decode(record.value());
                    return told.getRequestId().equals("unwanted") && told.getAction() == ControlAction.CANCEL;
                }
                return false;
            });
        }
        assertThat(cancel("{\"requestId\": \" \"}").statusCode()).isEqualTo(400);
        assertThat(cancel("no JSON").statusCode()).isEqualTo(400);
        assertThat(cancel("{\"requestId\": \"" + "x".repeat(10_000) + "\"}").statusCode())
                .isEqualTo(400);
    }

    private static HttpResponse<String> cancel(String body) throws Exception {
        return BROWSER.send(
                HttpRequest.newBuilder(gallery.uri().resolve("api/cancel"))
                        .timeout(PATIENCE)
                        .header("Content-Type", "application/json")
                        .POST(HttpRequest.BodyPublishers.ofString(body))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    @Test
    void theHeaderShowsRateLatencyAndVersion() throws Exception {
        send(flower(50));
        try (ServerSentEvents events = new ServerSentEvents(BROWSER, gallery.uri(), null)) {
            JsonNode status = events.status(node -> node.get("imagesPerSecond").doubleValue() > 0);
            assertThat(status.get("latencyMillis").doubleValue()).isPositive();
            assertThat(status.get("modelVersion").longValue()).isEqualTo(3);
        }
    }

    @Test
    void anUnreadableRecordIsPassedOver() throws Exception {
        producer.send(new ProducerRecord<>(TOPICS.images(), new byte[] {1, 2, 3}))
                .get();
        producer.send(new ProducerRecord<>(TOPICS.images(), null)).get();
        send(flower(60));
        try (ServerSentEvents events = new ServerSentEvents(BROWSER, gallery.uri(), null)) {
            assertThat(events.image(flower(60).getRequestId())).isNotNull();
        }
    }

    @Test
    void thePageTellsTheAddressesOfKafkaAndFlink() throws Exception {
        try (ServerSentEvents events = new ServerSentEvents(BROWSER, gallery.uri(), null)) {
            JsonNode about = events.about();
            assertThat(about.get("bootstrapServers").textValue()).isEqualTo(kafka.bootstrapServers());
            assertThat(about.get("flinkPage").textValue()).isEqualTo("http://127.0.0.1:8081");
        }
    }

    @Test
    void aTakenPortGivesWayToAFreeOne() throws Exception {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                Gallery other = startGallery(taken.getLocalPort())) {
            assertThat(other.uri().getPort()).isNotEqualTo(taken.getLocalPort());
            try (ServerSentEvents events = new ServerSentEvents(BROWSER, other.uri(), null)) {
                assertThat(events.about().size()).isPositive();
            }
        }
    }

    @Test
    void closeEndsOpenPagesAndAllThreads() throws Exception {
        Gallery other = startGallery(0);
        try (ServerSentEvents events = new ServerSentEvents(BROWSER, other.uri(), null)) {
            events.about();
            other.close();
            await().atMost(PATIENCE).until(events::ended);
        }
        assertThatThrownBy(() ->
                        new Socket(InetAddress.getLoopbackAddress(), other.uri().getPort()).close())
                .hasMessageContaining("refused");
        await().atMost(PATIENCE).untilAsserted(() -> assertThat(feeds()).isEqualTo(1)); // the one of this class
    }

    private static long feeds() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().equals("gallery-feed"))
                .count();
    }

    @Test
    void itsThreadsKeepNoProgramRunning() {
        assertThat(Thread.getAllStackTraces().keySet())
                .filteredOn(thread -> thread.getName().startsWith("gallery-")
                        || thread.getName().startsWith("HTTP-Dispatcher"))
                .isNotEmpty()
                .allMatch(Thread::isDaemon);
    }

    private static Map<String, Object> client() {
        return Map.of("bootstrap.servers", kafka.bootstrapServers());
    }

    private static Gallery startGallery(int port) throws Exception {
        return Gallery.start(
                client(),
                TOPICS,
                FORMAT,
                PageAddress.local(port),
                SampleRecords.classes(),
                Teaching.UNKNOWN,
                URI.create("http://127.0.0.1:8081"));
    }

    private static KafkaProducer<byte[], byte[]> producer(Map<String, Object> settings) {
        Map<String, Object> properties = new HashMap<>(client());
        properties.putAll(settings);
        return new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
    }

    /** Each seed has its own request. */
    private static GeneratedImage flower(long seed) {
        return SampleRecords.image(Species.of(FlowerFamily.POPPY, 0), seed, 32, 3);
    }

    private static void send(GeneratedImage image) throws Exception {
        producer.send(new ProducerRecord<>(TOPICS.images(), IMAGES.encode(image)))
                .get();
    }

    private static byte[] bytes(GeneratedImage image) {
        ByteBuffer buffer = image.getImage().duplicate();
        byte[] bytes = new byte[buffer.remaining()];
        buffer.get(bytes);
        return bytes;
    }

    private static HttpResponse<byte[]> get(String path) throws Exception {
        return BROWSER.send(
                HttpRequest.newBuilder(URI.create(gallery.uri() + path))
                        .timeout(PATIENCE)
                        .build(),
                HttpResponse.BodyHandlers.ofByteArray());
    }
}
