package io.finestream.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.finestream.TinyModel;
import io.finestream.kafka.EmbeddedKafka;
import io.finestream.kafka.Topics;
import io.finestream.schemas.ControlAction;
import io.finestream.schemas.EventKind;
import io.finestream.schemas.GenerationControl;
import io.finestream.schemas.GenerationEvent;
import io.finestream.schemas.GenerationRequest;
import io.finestream.schemas.Reporting;
import io.finestream.schemas.wire.AvroCodec;
import io.finestream.schemas.wire.WireFormat;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProgressCommandsITCase {

    private static final Topics TOPICS = Topics.DEFAULT;
    private static final WireFormat WIRE = new WireFormat.SingleObject();
    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final AvroCodec<GenerationEvent> EVENTS = new AvroCodec<>(GenerationEvent.class, WIRE);

    @TempDir
    static Path broker;

    private static EmbeddedKafka kafka;

    @BeforeAll
    static void start() throws IOException {
        kafka = EmbeddedKafka.start(broker, 0);
        TOPICS.create(new HashMap<>(client()), 2, (short) 1);
    }

    @AfterAll
    static void close() {
        kafka.close();
    }

    @Test
    void cancelTellsTheGeneratorsOfEachRequest() throws Exception {
        CommandLineRun run = run("cancel", "--request", "a", "--request", "b");
        assertThat(run.err()).startsWith("cancellation of 2 requests sent to generation-control");
        assertThat(run.exitCode()).isZero();
        AvroCodec<GenerationControl> codec = new AvroCodec<>(GenerationControl.class, WIRE);
        List<String> told = new ArrayList<>();
        for (ConsumerRecord<byte[], byte[]> record : read(TOPICS.control(), 1, 2)) {
            GenerationControl control = codec.decode(record.value());
            assertThat(control.getAction()).isEqualTo(ControlAction.CANCEL);
            told.add(control.getRequestId());
        }
        assertThat(told).containsExactly("a", "b");
    }

    @Test
    void withoutAnIdNothingIsCancelled() {
        assertThat(run("cancel").exitCode()).isEqualTo(2);
        assertThat(run("cancel", "--request", " ").err()).contains("--request is blank");
    }

    @Test
    void aFollowedRequestEndsWithItsLastSampleAndSaysWhatWasNotMade() throws Exception {
        CompletableFuture<CommandLineRun> running = CompletableFuture.supplyAsync(
                () -> run("request", "--class", "rose", "--count", 4, "--id", "followed", "--progress"));
        GenerationRequest request = new AvroCodec<>(GenerationRequest.class, WIRE)
                .decode(read(TOPICS.requests(), 2, 1).get(0).value());
        assertThat(request.getProgress()).isEqualTo(Reporting.STEPS);
        send(event(0, 4, EventKind.ACCEPTED), event(0, 1, EventKind.STEP), event(0, 1, EventKind.DONE));
        send(event(1, 1, EventKind.DONE), event(1, 1, EventKind.DONE)); // told twice
        assertThat(running).isNotDone();
        send(event(2, 2, EventKind.CANCELLED));
        CommandLineRun run = running.get(1, TimeUnit.MINUTES);
        assertThat(run.out()).isEqualTo("followed\n");
        assertThat(run.err()).contains("2 images of request followed: CANCELLED");
        assertThat(run.exitCode()).isEqualTo(1);
    }

    @Test
    void aJobInThisProcessServesItsMetricsAndEndsWithTheLastRequest(@TempDir Path directory) throws Exception {
        Path model = TinyModel.write(directory.resolve("model"), 1);
        int port = freePort();
        measured("topics", "create");
        measured("request", "--class", "class 1", "--count", 64, "--steps", 1000, "--id", "long");
        CompletableFuture<CommandLineRun> job = CompletableFuture.supplyAsync(() -> measured(
                "run",
                "--model",
                model,
                "--state",
                directory.resolve("state"),
                "--deterministic",
                "--parallelism",
                1,
                "--bounded",
                "--metrics-port",
                port));
        HttpRequest metrics = HttpRequest.newBuilder(URI.create("http://127.0.0.1:%d/metrics".formatted(port)))
                .build();
        await().atMost(PATIENCE)
                .ignoreExceptions()
                .until(() -> HttpClient.newHttpClient()
                        .send(metrics, HttpResponse.BodyHandlers.ofString())
                        .body()
                        .lines()
                        .anyMatch(line -> line.matches("flink_taskmanager_job_task_operator_steps\\{.*} [1-9].*")));
        measured("cancel", "--request", "long");
        assertThat(job.get(1, TimeUnit.MINUTES).exitCode()).isZero();
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    /** On topics that the other tests do not read. */
    private static CommandLineRun measured(Object... args) {
        List<Object> all = new ArrayList<>(List.of(args));
        all.addAll(List.of("--topic-prefix", "measured."));
        return run(all.toArray());
    }

    private static GenerationEvent event(int sample, int samples, EventKind what) {
        return GenerationEvent.newBuilder()
                .setRequestId("followed")
                .setSample(sample)
                .setSamples(samples)
                .setWhat(what)
                .setSteps(20)
                .setAt(Instant.now())
                .build();
    }

    private static void send(GenerationEvent... events) throws Exception {
        try (KafkaProducer<byte[], byte[]> producer =
                new KafkaProducer<>(new HashMap<>(client()), new ByteArraySerializer(), new ByteArraySerializer())) {
            for (GenerationEvent event : events) {
                producer.send(new ProducerRecord<>(TOPICS.events(), EVENTS.encode(event)))
                        .get();
            }
        }
    }

    /** The records in a topic, once there are so many. */
    private static List<ConsumerRecord<byte[], byte[]>> read(String topic, int partitions, int expected) {
        List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
        try (CommittedRecords reader = CommittedRecords.of(client(), Map.of(topic, partitions), false)) {
            do {
                reader.poll().forEach(records::add);
            } while (records.size() < expected);
            return records;
        }
    }

    private static CommandLineRun run(Object... args) {
        List<Object> all = new ArrayList<>(List.of(args));
        all.addAll(List.of("--bootstrap-servers", kafka.bootstrapServers()));
        return CommandLineRun.of(all.toArray());
    }

    private static Map<String, String> client() {
        return Map.of("bootstrap.servers", kafka.bootstrapServers());
    }
}
