package io.finestream.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.finestream.TinyModel;
import io.finestream.codec.Images;
import io.finestream.flink.GenerationSettings;
import io.finestream.kafka.EmbeddedKafka;
import io.finestream.kafka.Topics;
import io.finestream.schemas.ControlAction;
import io.finestream.schemas.EventKind;
import io.finestream.schemas.GeneratedImage;
import io.finestream.schemas.GenerationControl;
import io.finestream.schemas.GenerationEvent;
import io.finestream.schemas.GenerationRequest;
import io.finestream.schemas.Reporting;
import io.finestream.schemas.wire.AvroCodec;
import io.finestream.schemas.wire.WireFormat;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.runtime.testutils.MiniClusterResourceConfiguration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Progress and cancellation by way of a real broker, on a real Flink cluster. */
class CancellationITCase {

    private static final WireFormat WIRE = new WireFormat.SingleObject();
    private static final AvroCodec<GenerationEvent> EVENTS = new AvroCodec<>(GenerationEvent.class, WIRE);
    private static final AvroCodec<GenerationControl> CONTROL = new AvroCodec<>(GenerationControl.class, WIRE);
    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final Duration BETWEEN_CHECKPOINTS = Duration.ofSeconds(1);

    @RegisterExtension
    static final MiniClusterExtension FLINK = new MiniClusterExtension(new MiniClusterResourceConfiguration.Builder()
            .setNumberTaskManagers(1)
            .setNumberSlotsPerTaskManager(2)
            .build());

    @TempDir
    static Path directory;

    private static EmbeddedKafka kafka;
    private static String model;

    @BeforeAll
    static void startBroker() throws Exception {
        kafka = EmbeddedKafka.start(directory.resolve("kafka"), 0);
        model = TinyModel.write(directory.resolve("model"), 1).toString();
    }

    @AfterAll
    static void stop() {
        kafka.close();
    }

    @Test
    void aRequestIsFollowedAndCancelledAndStaysCancelledInAJobThatGoesOn() throws Exception {
        Topics topics = Topics.DEFAULT;
        topics.create(new HashMap<>(client()), 2, (short) 1);
        List<GenerationRequest> parts = List.of(request("endless", 0, 64, 1000), request("endless", 64, 64, 1000));
        TopicsInTests.produce(client(), topics, parts);
        JobClient job = start();
        try {
            awaitEvents(events -> events.stream().anyMatch(event -> event.getPreview() != null));
            cancel(topics, "endless");
            awaitEvents(events -> samples(events, EventKind.DONE) + samples(events, EventKind.CANCELLED) == 128);
            TopicsInTests.produce(client(), topics, List.of(request("other", 0, 3, 20)));
            awaitImages("other", 3);
        } finally {
            job.cancel().get();
        }
        List<GenerationEvent> events = events();
        assertThat(events)
                .filteredOn(event -> event.getPreview() != null)
                .isNotEmpty()
                .allSatisfy(event -> assertThat(Images.decode(TopicsInTests.bytes(event.getPreview()))
                                .getWidth())
                        .isEqualTo(8));
        assertThat(events)
                .filteredOn(event -> event.getRequestId().equals("other"))
                .extracting(GenerationEvent::getWhat)
                .contains(EventKind.ACCEPTED, EventKind.DONE)
                .doesNotContain(EventKind.CANCELLED);
        assertThat(samples(events, EventKind.CANCELLED)).isPositive();

        TopicsInTests.produce(client(), topics, List.of(request("endless", 128, 1, 5), request("another", 0, 1, 5)));
        JobClient goesOn = start();
        try {
            awaitImages("another", 1);
            awaitEvents(all ->
                    all.stream().anyMatch(event -> event.getSample() == 128 && event.getWhat() == EventKind.CANCELLED));
        } finally {
            goesOn.cancel().get();
        }
        assertThat(TopicsInTests.committedImages(client(), topics))
                .extracting(GeneratedImage::getRequestId)
                .filteredOn(id -> id.equals("endless"))
                .hasSizeLessThan(128);
    }

    private interface Expected {
        boolean holds(List<GenerationEvent> events);
    }

    private static void awaitEvents(Expected expected) {
        Awaitility.await("events").atMost(PATIENCE).until(() -> expected.holds(events()));
    }

    private static void awaitImages(String id, int count) {
        Awaitility.await("images of " + id)
                .atMost(PATIENCE)
                .until(() -> TopicsInTests.committedImages(client(), Topics.DEFAULT).stream()
                                .filter(image -> image.getRequestId().equals(id))
                                .count()
                        == count);
    }

    private static List<GenerationEvent> events() {
        List<GenerationEvent> events = new ArrayList<>();
        TopicsInTests.committed(
                client(), Topics.DEFAULT.events(), record -> events.add(TopicsInTests.decode(EVENTS, record)));
        return events;
    }

    private static int samples(List<GenerationEvent> events, EventKind what) {
        return events.stream()
                .filter(event -> event.getRequestId().equals("endless") && event.getWhat() == what)
                .mapToInt(GenerationEvent::getSamples)
                .sum();
    }

    private static void cancel(Topics topics, String id) throws Exception {
        try (KafkaProducer<byte[], byte[]> producer = TopicsInTests.producer(client())) {
            byte[] key = id.getBytes(StandardCharsets.UTF_8);
            byte[] value = CONTROL.encode(new GenerationControl(id, ControlAction.CANCEL, Instant.now()));
            producer.send(new ProducerRecord<>(topics.control(), key, value)).get();
        }
    }

    private static GenerationRequest request(String id, int first, int count, int steps) {
        return GenerationRequest.newBuilder()
                .setRequestId(id)
                .setSubclass("class 1")
                .setFirstSample(first)
                .setCount(count)
                .setSteps(steps)
                .setProgress(Reporting.PREVIEWS)
                .build();
    }

    /** The first time from the beginning, then from its last checkpoint. */
    private static JobClient start() throws Exception {
        StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment(FlinkDefaults.statesIn(
                FlinkDefaults.job(BETWEEN_CHECKPOINTS),
                directory.resolve("checkpoints").toUri()));
        env.setParallelism(2);
        Topics topics = Topics.DEFAULT;
        KafkaConnectors connectors = new KafkaConnectors(client(), WIRE, "cancellation");
        GenerationJob.build(
                env,
                connectors.records(topics.requests(), false),
                connectors.parameters(topics.parameters()),
                connectors.control(topics.control()),
                connectors.images(topics.images()),
                connectors.events(topics.events()),
                connectors.deadLetters(topics.deadLetters()),
                GenerationSettings.forModel(model).withMaxRows(12));
        return env.executeAsync(GenerationJob.NAME);
    }

    private static Map<String, String> client() {
        return Map.of("bootstrap.servers", kafka.bootstrapServers());
    }
}
