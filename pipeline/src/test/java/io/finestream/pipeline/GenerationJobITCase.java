package io.finestream.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.finestream.TinyModel;
import io.finestream.flink.GenerationSettings;
import io.finestream.kafka.EmbeddedKafka;
import io.finestream.kafka.Topics;
import io.finestream.schemas.DeadLetter;
import io.finestream.schemas.GenerationRequest;
import io.finestream.schemas.GuidanceMode;
import io.finestream.schemas.GuidanceSpec;
import io.finestream.schemas.ReasonCode;
import io.finestream.schemas.SamplerName;
import io.finestream.schemas.wire.AvroCodec;
import io.finestream.schemas.wire.WireFormat;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.runtime.testutils.MiniClusterResourceConfiguration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.utils.Utils;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** The job on a real Flink cluster, between topics of a real broker. */
class GenerationJobITCase {

    private static final int PARTITIONS = 4;
    private static final WireFormat WIRE = new WireFormat.SingleObject();
    private static final Duration PATIENCE = Duration.ofMinutes(2);

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
    static void start() throws Exception {
        kafka = EmbeddedKafka.start(directory.resolve("kafka"), 0);
        model = TinyModel.write(directory.resolve("model"), 1).toString();
    }

    @AfterAll
    static void stop() {
        kafka.close();
    }

    @Test
    void everyImageArrivesExactlyOnceThoughTheJobFailsInTheMiddle() throws Exception {
        Topics topics = topics("failing");
        List<GenerationRequest> requests = new ArrayList<>();
        for (int i = 0; i < 60; i++) {
            requests.add(mixedRequest(i));
        }
        TopicsInTests.produce(client(), topics, requests);
        Map<String, byte[]> disturbed = new HashMap<>();
        FailingOnce.IMAGES_UNTIL_FAILURE.set(25);
        JobClient job = start(topics, "failing", false);
        try {
            int expected =
                    requests.stream().mapToInt(GenerationRequest::getCount).sum();
            TopicsInTests.consumeImages(client(), topics, expected, PATIENCE, image -> {
                String name = image.getRequestId() + "-" + image.getSample();
                assertThat(disturbed.put(name, TopicsInTests.bytes(image.getImage())))
                        .as("twice: %s", name)
                        .isNull();
            });
            assertThat(disturbed).hasSize(expected);
            assertThat(FailingOnce.IMAGES_UNTIL_FAILURE.get())
                    .as("the failure happened")
                    .isNegative();
        } finally {
            job.cancel().get();
        }
        assertThat(TopicsInTests.committedImages(client(), topics))
                .as("no image beyond those asked for")
                .hasSize(disturbed.size());
        assertThat(disturbed)
                .as("the same bytes without a failure")
                .containsExactlyInAnyOrderEntriesOf(undisturbed(requests));
    }

    @Test
    void badRequestsBecomeDeadLettersWithAReasonAndTheJobGoesOn() throws Exception {
        Topics topics = topics("bad");
        Map<String, GenerationRequest> bad = Map.of(
                "unknown class", minimal("unknown").setSubclass("klass 3").build(),
                "steps 0", minimal("steps").setSteps(0).build(),
                "steps 10000", minimal("steps").setSteps(10_000).build(),
                "scale", minimal("scale").setGuidance(guidance(Double.NaN)).build(),
                "count -1", minimal("count").setCount(-1).build(),
                "count million", minimal("count").setCount(1_000_000).build(),
                "empty id", minimal(" ").build(),
                "deadline", minimal("late").setDeadline(Instant.EPOCH).build(),
                "null label",
                        minimal("cfg")
                                .setGuidance(GuidanceSpec.newBuilder()
                                        .setMode(GuidanceMode.CLASSIFIER_FREE)
                                        .build())
                                .build());
        TopicsInTests.produce(client(), topics, List.copyOf(bad.values()));
        try (KafkaProducer<byte[], byte[]> producer = TopicsInTests.producer(client())) {
            producer.send(new ProducerRecord<>(topics.requests(), "{\"json\": true}".getBytes(StandardCharsets.UTF_8)))
                    .get();
            byte[] random = new byte[200];
            new Random(1).nextBytes(random);
            producer.send(new ProducerRecord<>(topics.requests(), random)).get();
            producer.send(new ProducerRecord<>(topics.requests(), new byte[0])).get();
            producer.send(new ProducerRecord<>(topics.requests(), "key".getBytes(StandardCharsets.UTF_8), null))
                    .get();
        }
        TopicsInTests.produce(client(), topics, List.of(minimal("good").build()));
        JobClient job = start(topics, "bad", false);
        try {
            List<DeadLetter> letters = new ArrayList<>();
            AvroCodec<DeadLetter> codec = new AvroCodec<>(DeadLetter.class, WIRE);
            TopicsInTests.consume(
                    client(),
                    topics.deadLetters(),
                    bad.size() + 4,
                    PATIENCE,
                    record -> letters.add(TopicsInTests.decode(codec, record)));
            TopicsInTests.consumeImages(
                    client(),
                    topics,
                    1,
                    PATIENCE,
                    image -> assertThat(image.getRequestId()).isEqualTo("good"));
            assertThat(letters)
                    .allSatisfy(letter -> assertThat(letter.getReason()).isNotBlank());
            assertThat(letters)
                    .extracting(DeadLetter::getReasonCode)
                    .containsOnly(
                            ReasonCode.UNREADABLE, ReasonCode.UNKNOWN_CLASS, ReasonCode.INVALID, ReasonCode.EXPIRED);
            assertThat(letters)
                    .extracting(DeadLetter::getReason)
                    .anySatisfy(reason -> assertThat(reason).contains("'klass 3'", "'class 3'"))
                    .anySatisfy(reason -> assertThat(reason).contains("10000"))
                    .anySatisfy(reason -> assertThat(reason).contains("NaN"))
                    .anySatisfy(reason -> assertThat(reason).contains("1000000", "firstSample"))
                    .anySatisfy(reason -> assertThat(reason).contains("-1"))
                    .anySatisfy(reason -> assertThat(reason).contains("no value"))
                    .anySatisfy(reason -> assertThat(reason).contains("null label"));
            assertThat(job.getJobStatus().get()).isEqualTo(JobStatus.RUNNING);
        } finally {
            job.cancel().get();
        }
    }

    @Test
    void aBoundedJobEndsWithTheLastImage() throws Exception {
        Topics topics = topics("bounded");
        TopicsInTests.produce(client(), topics, List.of(mixedRequest(1), mixedRequest(2), mixedRequest(3)));
        JobClient job = start(topics, "bounded", true);
        job.getJobExecutionResult().get();
        int expected = mixedRequest(1).getCount()
                + mixedRequest(2).getCount()
                + mixedRequest(3).getCount();
        assertThat(TopicsInTests.committedImages(client(), topics)).hasSize(expected);
    }

    @Test
    void checkpointsGoOnWhileABoundedJobDrains() throws Exception {
        Topics topics = topics("draining");
        List<GenerationRequest> requests = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            requests.add(
                    minimal("long-" + i).setSeed(i).setCount(32).setSteps(200).build());
        }
        TopicsInTests.produce(client(), topics, requests);
        Configuration strict = configuration("draining");
        strict.set(CheckpointingOptions.CHECKPOINTING_TIMEOUT, Duration.ofSeconds(2)); // far shorter than the drain
        strict.set(RestartStrategyOptions.RESTART_STRATEGY, "none"); // a checkpoint that expires fails the job
        start(topics, "draining", true, strict).getJobExecutionResult().get();
        assertThat(TopicsInTests.committedImages(client(), topics)).hasSize(8 * 32);
    }

    @Test
    void aJobThatIsStartedAgainServesTheRequestsThatWaited() throws Exception {
        Topics topics = topics("restarted");
        List<GenerationRequest> requests = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            requests.add(
                    minimal("waiting-" + i).setSeed(i).setSteps(i < 4 ? 5 : 300).build());
        }
        TopicsInTests.produce(client(), topics, requests);
        JobClient first = start(topics, "restarted", false);
        try {
            TopicsInTests.consumeImages(client(), topics, 1, PATIENCE, image -> {});
        } finally {
            first.cancel().get();
        }
        int before = TopicsInTests.committedImages(client(), topics).size();
        assertThat(before).as("some still wait").isLessThan(requests.size());
        JobClient second = start(topics, "restarted", false);
        Set<String> images = new HashSet<>();
        try {
            TopicsInTests.consumeImages(
                    client(), topics, requests.size(), PATIENCE, image -> images.add(image.getRequestId()));
        } finally {
            second.cancel().get();
        }
        assertThat(images).hasSize(requests.size());
        assertThat(TopicsInTests.committedImages(client(), topics)).hasSize(requests.size());
    }

    @Test
    void aSingleRequestOvertakesALargeOneAndWhatIsLateIsReported() throws Exception {
        Topics topics = topics("fair");
        List<GenerationRequest> large = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            large.add(minimal("large")
                    .setFirstSample(i * 64)
                    .setCount(64)
                    .setSteps(1000)
                    .build());
        }
        TopicsInTests.produce(client(), topics, large);
        JobClient job = start(topics, "fair", false);
        try {
            TopicsInTests.consumeImages(client(), topics, 1, PATIENCE, image -> {});
            GenerationRequest single = minimal(besides("large", "single")).build();
            GenerationRequest late = minimal(besides("large", "late"))
                    .setPriority(-1) // has no place beside the large one
                    .setDeadline(Instant.now().plusSeconds(1))
                    .build();
            TopicsInTests.produce(client(), topics, List.of(single, late));
            List<DeadLetter> letters = new ArrayList<>();
            AvroCodec<DeadLetter> codec = new AvroCodec<>(DeadLetter.class, WIRE);
            TopicsInTests.consume(
                    client(),
                    topics.deadLetters(),
                    1,
                    PATIENCE,
                    record -> letters.add(TopicsInTests.decode(codec, record)));
            assertThat(letters).extracting(DeadLetter::getRequestId).containsExactly(late.getRequestId());
            assertThat(letters).extracting(DeadLetter::getReasonCode).containsExactly(ReasonCode.EXPIRED);
            Awaitility.await("the single one's image")
                    .atMost(PATIENCE)
                    .until(() -> TopicsInTests.committedImages(client(), topics).stream()
                            .anyMatch(image -> image.getRequestId().equals(single.getRequestId())));
            assertThat(TopicsInTests.committedImages(client(), topics))
                    .as("the large one goes on")
                    .hasSizeLessThan(10 * 64)
                    .noneMatch(image -> image.getRequestId().equals(late.getRequestId()));
        } finally {
            job.cancel().get();
        }
    }

    /** An id on the same partition, so that the same subtask serves it. */
    private static String besides(String id, String prefix) {
        return IntStream.range(0, 1_000)
                .mapToObj(i -> prefix + "-" + i)
                .filter(other -> partition(other) == partition(id))
                .findFirst()
                .orElseThrow();
    }

    private static int partition(String id) {
        return Utils.toPositive(Utils.murmur2(id.getBytes(StandardCharsets.UTF_8))) % PARTITIONS;
    }

    private static Map<String, byte[]> undisturbed(List<GenerationRequest> requests) throws Exception {
        Topics topics = topics("undisturbed");
        TopicsInTests.produce(client(), topics, requests);
        start(topics, "undisturbed", true).getJobExecutionResult().get();
        Map<String, byte[]> images = new HashMap<>();
        TopicsInTests.committedImages(client(), topics)
                .forEach(image -> images.put(
                        image.getRequestId() + "-" + image.getSample(), TopicsInTests.bytes(image.getImage())));
        return images;
    }

    private static JobClient start(Topics topics, String jobId, boolean bounded) throws Exception {
        return start(topics, jobId, bounded, configuration(jobId));
    }

    private static Configuration configuration(String jobId) throws Exception {
        return FlinkDefaults.statesIn(
                FlinkDefaults.job(Duration.ofMillis(500)),
                directory.resolve("checkpoints-" + jobId).toUri());
    }

    private static JobClient start(Topics topics, String jobId, boolean bounded, Configuration configuration)
            throws Exception {
        StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment(configuration);
        env.setParallelism(2);
        KafkaConnectors connectors = new KafkaConnectors(client(), WIRE, jobId);
        GenerationJob.build(
                env,
                connectors.records(topics.requests(), bounded),
                connectors.parameters(topics.parameters()),
                connectors.control(topics.control()),
                FailingOnce.images(connectors, topics.images()),
                connectors.events(topics.events()),
                connectors.deadLetters(topics.deadLetters()),
                GenerationSettings.forModel(model).withMaxRows(12));
        return env.executeAsync(GenerationJob.NAME);
    }

    private static GenerationRequest mixedRequest(int i) {
        return minimal("request-" + i)
                .setSubclass(null)
                .setSubclassId(i % TinyModel.CLASSES)
                .setSeed(i)
                .setCount(1 + i % 3)
                .setSteps(5 + i % 20)
                .setSampler(i % 2 == 0 ? SamplerName.DDIM : SamplerName.DDPM)
                .setGuidance(guidance(1 + i % 4))
                .build();
    }

    private static GenerationRequest.Builder minimal(String id) {
        return GenerationRequest.newBuilder().setRequestId(id).setSubclass("class 1");
    }

    private static GuidanceSpec guidance(double scale) {
        return GuidanceSpec.newBuilder().setScale(scale).build();
    }

    private static Topics topics(String prefix) throws Exception {
        Topics topics = Topics.DEFAULT.withPrefix(prefix + "-");
        topics.create(new HashMap<>(client()), PARTITIONS, (short) 1);
        return topics;
    }

    private static Map<String, String> client() {
        return Map.of("bootstrap.servers", kafka.bootstrapServers());
    }
}
