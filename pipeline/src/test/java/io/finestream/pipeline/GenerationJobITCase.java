package io.finestream.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.finestream.TinyModel;
import io.finestream.flink.GenerationSettings;
import io.finestream.kafka.EmbeddedKafka;
import io.finestream.kafka.Topics;
import io.finestream.schemas.DeadLetter;
import io.finestream.schemas.GeneratedImage;
import io.finestream.schemas.GenerationRequest;
import io.finestream.schemas.GuidanceMode;
import io.finestream.schemas.GuidanceSpec;
import io.finestream.schemas.ReasonCode;
import io.finestream.schemas.SamplerName;
import io.finestream.schemas.wire.AvroCodec;
import io.finestream.schemas.wire.WireFormat;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.api.common.serialization.SerializationSchema;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.kafka.lineage.KafkaDatasetFacet;
import org.apache.flink.connector.kafka.lineage.KafkaDatasetFacetProvider;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.runtime.testutils.MiniClusterResourceConfiguration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
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

    private static final AtomicInteger IMAGES_UNTIL_FAILURE = new AtomicInteger();

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
        produce(topics, requests);
        Map<String, byte[]> disturbed = new HashMap<>();
        IMAGES_UNTIL_FAILURE.set(25);
        JobClient job = start(topics, "failing", false, true);
        try {
            int expected =
                    requests.stream().mapToInt(GenerationRequest::getCount).sum();
            consumeImages(topics, expected, image -> {
                String name = image.getRequestId() + "-" + image.getSample();
                assertThat(disturbed.put(name, bytes(image.getImage())))
                        .as("twice: %s", name)
                        .isNull();
            });
            assertThat(disturbed).hasSize(expected);
            assertThat(IMAGES_UNTIL_FAILURE.get()).as("the failure happened").isNegative();
        } finally {
            job.cancel().get();
        }
        assertThat(remaining(topics)).as("no image beyond those asked for").hasSize(disturbed.size());
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
        produce(topics, List.copyOf(bad.values()));
        try (KafkaProducer<byte[], byte[]> producer = producer()) {
            producer.send(new ProducerRecord<>(topics.requests(), "{\"json\": true}".getBytes(StandardCharsets.UTF_8)))
                    .get();
            producer.send(new ProducerRecord<>(topics.requests(), new byte[0])).get();
            producer.send(new ProducerRecord<>(topics.requests(), "key".getBytes(StandardCharsets.UTF_8), null))
                    .get();
        }
        produce(topics, List.of(minimal("good").build()));
        JobClient job = start(topics, "bad", false, false);
        try {
            List<DeadLetter> letters = new ArrayList<>();
            AvroCodec<DeadLetter> codec = new AvroCodec<>(DeadLetter.class, WIRE);
            consume(topics.deadLetters(), bad.size() + 3, record -> letters.add(decode(codec, record)));
            consumeImages(topics, 1, image -> assertThat(image.getRequestId()).isEqualTo("good"));
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
        produce(topics, List.of(mixedRequest(1), mixedRequest(2), mixedRequest(3)));
        JobClient job = start(topics, "bounded", true, false);
        job.getJobExecutionResult().get();
        int expected = mixedRequest(1).getCount()
                + mixedRequest(2).getCount()
                + mixedRequest(3).getCount();
        assertThat(remaining(topics)).hasSize(expected);
    }

    private static Map<String, byte[]> undisturbed(List<GenerationRequest> requests) throws Exception {
        Topics topics = topics("undisturbed");
        produce(topics, requests);
        start(topics, "undisturbed", true, false).getJobExecutionResult().get();
        Map<String, byte[]> images = new HashMap<>();
        remaining(topics)
                .forEach(image -> images.put(image.getRequestId() + "-" + image.getSample(), bytes(image.getImage())));
        return images;
    }

    private static JobClient start(Topics topics, String jobId, boolean bounded, boolean failing) throws Exception {
        Configuration configuration = FlinkDefaults.statesIn(
                FlinkDefaults.job(Duration.ofMillis(500)), directory.resolve("checkpoints-" + jobId));
        StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment(configuration);
        env.setParallelism(2);
        KafkaConnectors connectors = new KafkaConnectors(client(), WIRE, jobId);
        GenerationJob.build(
                env,
                connectors.requests(topics.requests(), bounded),
                failing ? failingSink(connectors, topics) : connectors.images(topics.images()),
                connectors.deadLetters(topics.deadLetters()),
                GenerationSettings.forModel(model).withMaxRows(12));
        return env.executeAsync(GenerationJob.NAME);
    }

    private static Sink<GeneratedImage> failingSink(KafkaConnectors connectors, Topics topics) {
        return connectors.sink("images", new FailingOnce(connectors.imageSerializer(topics.images())));
    }

    /** Fails once, when an image is about to be written, while others are in the middle of their trajectories. */
    private record FailingOnce(AvroRecordSerializer<GeneratedImage> serializer)
            implements KafkaRecordSerializationSchema<GeneratedImage>, KafkaDatasetFacetProvider {

        @Override
        public void open(SerializationSchema.InitializationContext context, KafkaSinkContext sinkContext) {
            serializer.open(context, sinkContext);
        }

        @Override
        public ProducerRecord<byte[], byte[]> serialize(GeneratedImage image, KafkaSinkContext context, Long time) {
            if (IMAGES_UNTIL_FAILURE.decrementAndGet() == 0) {
                throw new IllegalStateException("injected failure");
            }
            return serializer.serialize(image, context, time);
        }

        @Override
        public Optional<KafkaDatasetFacet> getKafkaDatasetFacet() {
            return serializer.getKafkaDatasetFacet();
        }
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

    private static KafkaProducer<byte[], byte[]> producer() {
        return new KafkaProducer<>(new HashMap<>(client()), new ByteArraySerializer(), new ByteArraySerializer());
    }

    private static void produce(Topics topics, List<GenerationRequest> requests) {
        AvroCodec<GenerationRequest> codec = new AvroCodec<>(GenerationRequest.class, WIRE);
        try (KafkaProducer<byte[], byte[]> producer = producer()) {
            requests.forEach(request -> producer.send(new ProducerRecord<>(
                    topics.requests(),
                    request.getRequestId().getBytes(StandardCharsets.UTF_8),
                    codec.encode(request))));
        }
    }

    private static void consumeImages(Topics topics, int count, Consumer<GeneratedImage> each) {
        AvroCodec<GeneratedImage> codec = new AvroCodec<>(GeneratedImage.class, WIRE);
        consume(topics.images(), count, record -> each.accept(decode(codec, record)));
    }

    private static List<GeneratedImage> remaining(Topics topics) {
        List<GeneratedImage> images = new ArrayList<>();
        AvroCodec<GeneratedImage> codec = new AvroCodec<>(GeneratedImage.class, WIRE);
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(topics.images())) {
            // read what is committed now
            Map<org.apache.kafka.common.TopicPartition, Long> end = consumer.endOffsets(consumer.assignment());
            Awaitility.await().atMost(PATIENCE).until(() -> {
                consumer.poll(Duration.ofMillis(200)).forEach(record -> images.add(decode(codec, record)));
                return end.entrySet().stream().allMatch(e -> consumer.position(e.getKey()) >= e.getValue());
            });
        }
        return images;
    }

    private static void consume(String topic, int count, Consumer<ConsumerRecord<byte[], byte[]>> each) {
        AtomicInteger seen = new AtomicInteger();
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(topic)) {
            Awaitility.await(topic).atMost(PATIENCE).until(() -> {
                consumer.poll(Duration.ofMillis(200)).forEach(record -> {
                    each.accept(record);
                    seen.incrementAndGet();
                });
                return seen.get() >= count;
            });
        }
        assertThat(seen).hasValue(count);
    }

    private static KafkaConsumer<byte[], byte[]> consumer(String topic) {
        Map<String, Object> properties = new HashMap<>(client());
        properties.put("isolation.level", "read_committed");
        properties.put("auto.offset.reset", "earliest");
        KafkaConsumer<byte[], byte[]> consumer =
                new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
        consumer.assign(consumer.partitionsFor(topic).stream()
                .map(partition -> new org.apache.kafka.common.TopicPartition(topic, partition.partition()))
                .toList());
        return consumer;
    }

    private static <T extends org.apache.avro.specific.SpecificRecord> T decode(
            AvroCodec<T> codec, ConsumerRecord<byte[], byte[]> record) {
        try {
            return codec.decode(record.value());
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    private static byte[] bytes(ByteBuffer buffer) {
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        return bytes;
    }
}
