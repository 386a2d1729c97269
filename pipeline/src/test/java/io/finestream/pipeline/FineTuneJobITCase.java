package io.finestream.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.finestream.TinyModel;
import io.finestream.codec.Images;
import io.finestream.flink.FineTuneSettings;
import io.finestream.flink.GenerationSettings;
import io.finestream.kafka.EmbeddedKafka;
import io.finestream.kafka.Topics;
import io.finestream.schemas.GeneratedImage;
import io.finestream.schemas.GenerationRequest;
import io.finestream.schemas.LabeledImage;
import io.finestream.schemas.OffsetRange;
import io.finestream.schemas.ParameterVersion;
import io.finestream.schemas.wire.AvroCodec;
import io.finestream.schemas.wire.WireFormat;
import io.finestream.tuning.TuningSettings;
import io.finestream.weights.ModelChoice;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.testutils.MiniClusterResourceConfiguration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.test.junit5.InjectMiniCluster;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Both jobs on a real Flink cluster, with nothing between them but topics of a real broker. */
class FineTuneJobITCase {

    private static final int PARTITIONS = 3;
    private static final WireFormat WIRE = new WireFormat.SingleObject();
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final AvroCodec<LabeledImage> LABELED = new AvroCodec<>(LabeledImage.class, WIRE);
    private static final AvroCodec<ParameterVersion> COMMITS = new AvroCodec<>(ParameterVersion.class, WIRE);

    @RegisterExtension
    static final MiniClusterExtension FLINK = new MiniClusterExtension(new MiniClusterResourceConfiguration.Builder()
            .setNumberTaskManagers(1)
            .setNumberSlotsPerTaskManager(3)
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
    void aClassThatIsTaughtIsGeneratedByAJobThatRunsAllTheWhile() throws Exception {
        Topics topics = topics("taught");
        JobClient generation = generate(topics, "taught");
        JobClient tuning = tune(topics, "taught", 0.2);
        try {
            teach(topics, "new", 0, 30);
            TopicsInTests.produce(client(), topics, List.of(request("old", "class 1")));
            Awaitility.await("a version with the new class")
                    .atMost(PATIENCE)
                    .until(() -> versions(topics).stream()
                            .anyMatch(version -> !version.getTaxonomyDelta().isEmpty()));
            int asked = 0;
            List<GeneratedImage> images = new ArrayList<>();
            while (images.stream().noneMatch(image -> image.getSubclass().equals("new"))) {
                TopicsInTests.produce(client(), topics, List.of(request("new-" + asked++, "new")));
                TopicsInTests.consumeImages(client(), topics, images.size() + 1, PATIENCE, images::add);
            }
            GeneratedImage taught = images.get(images.size() - 1);
            assertThat(taught.getSubclass()).isEqualTo("new");
            assertThat(taught.getSubclassId()).isEqualTo(TinyModel.CLASSES);
            assertThat(taught.getSuperclass()).isEqualTo("round");
            assertThat(taught.getModelVersion()).isPositive();
        } finally {
            generation.cancel().get();
            tuning.cancel().get();
        }
    }

    /** Killed by the loss of its TaskManager, and then cancelled without a savepoint and started again. */
    @Test
    void aTunerThatIsKilledLosesNoLabeledImageAndCountsNoneTwice(@InjectMiniCluster MiniCluster cluster)
            throws Exception {
        Topics topics = topics("killed");
        long seed = System.nanoTime();
        SplittableRandom random = new SplittableRandom(seed);
        JobClient first = tune(topics, "killed", 0); // an image that is held out need not lead to a version
        for (int kill = 0; kill < 3; kill++) {
            teach(topics, "new", 40 * kill, 40 * (kill + 1));
            Awaitility.await("a version; seed " + seed)
                    .atMost(PATIENCE)
                    .until(() -> !versions(topics).isEmpty());
            Thread.sleep(random.nextInt(1_500));
            cluster.terminateTaskManager(kill).get();
            cluster.startTaskManager();
        }
        teach(topics, "new", 120, 160);
        Thread.sleep(random.nextInt(3_000));
        first.cancel().get();
        Awaitility.await("the end of the first job")
                .atMost(PATIENCE)
                .until(() -> first.getJobStatus().get().isGloballyTerminalState());
        int before = versions(topics).size();
        teach(topics, "newer", 160, 200);
        JobClient second = tune(topics, "killed", 0);
        try {
            Awaitility.await("every image; seed " + seed).atMost(PATIENCE).until(() -> taken(versions(topics)) == 200);
        } finally {
            second.cancel().get();
        }
        List<ParameterVersion> versions = versions(topics);
        assertThat(versions).hasSizeGreaterThan(before);
        assertThat(versions)
                .extracting(ParameterVersion::getVersion)
                .isEqualTo(LongStream.rangeClosed(1, versions.size()).boxed().toList());
        assertThat(versions.stream().flatMap(version -> version.getTaxonomyDelta().stream()))
                .extracting("subclass")
                .containsExactly("new", "newer");
        Map<Integer, Long> next = new HashMap<>();
        for (ParameterVersion version : versions) {
            for (OffsetRange range : version.getTrainedOffsets()) {
                assertThat(range.getFirstOffset())
                        .as("of version %d", version.getVersion())
                        .isEqualTo(next.getOrDefault(range.getPartition(), 0L));
                next.put(range.getPartition(), range.getLastOffset() + 1);
            }
        }
    }

    private static long taken(List<ParameterVersion> versions) {
        return versions.stream()
                .flatMap(version -> version.getTrainedOffsets().stream())
                .mapToLong(range -> range.getLastOffset() - range.getFirstOffset() + 1)
                .sum();
    }

    private static List<ParameterVersion> versions(Topics topics) {
        List<ParameterVersion> versions = new ArrayList<>();
        TopicsInTests.committed(client(), topics.parameters(), record -> {
            if (COMMITS.holds(record.value())) {
                versions.add(TopicsInTests.decode(COMMITS, record));
            }
        });
        return versions;
    }

    private static void teach(Topics topics, String subclass, int from, int to) {
        try (KafkaProducer<byte[], byte[]> producer = TopicsInTests.producer(client())) {
            for (int i = from; i < to; i++) {
                LabeledImage image = LabeledImage.newBuilder()
                        .setImageId(subclass + "/" + i)
                        .setSuperclass("round")
                        .setSubclass(subclass)
                        .setImage(ByteBuffer.wrap(Images.toPng(disc(i))))
                        .build();
                byte[] key = String.valueOf(i).getBytes(StandardCharsets.UTF_8); // over all partitions
                var unused = producer.send(new ProducerRecord<>(topics.labeled(), key, LABELED.encode(image)));
            }
        }
    }

    private static BufferedImage disc(int number) {
        BufferedImage image = new BufferedImage(8, 8, BufferedImage.TYPE_INT_RGB);
        Graphics2D g = image.createGraphics();
        g.setColor(new Color(200, number, 20));
        g.fillOval(number % 3, 1, 5, 5);
        g.dispose();
        return image;
    }

    private static GenerationRequest request(String id, String subclass) {
        return GenerationRequest.newBuilder()
                .setRequestId(id)
                .setSubclass(subclass)
                .setSteps(4)
                .build();
    }

    private static JobClient generate(Topics topics, String jobId) throws Exception {
        StreamExecutionEnvironment env = environment(jobId + "-generation");
        KafkaConnectors connectors = new KafkaConnectors(client(), WIRE, jobId + "-generation");
        GenerationJob.build(
                env,
                connectors.records(topics.requests(), false),
                connectors.parameters(topics.parameters()),
                connectors.control(topics.control()),
                connectors.images(topics.images()),
                connectors.events(topics.events()),
                connectors.deadLetters(topics.deadLetters()),
                GenerationSettings.forModel(model).withMaxRows(8));
        return env.executeAsync(GenerationJob.NAME);
    }

    private static JobClient tune(Topics topics, String jobId, double heldOutShare) throws Exception {
        StreamExecutionEnvironment env = environment(jobId + "-tuning");
        KafkaConnectors connectors = new KafkaConnectors(client(), WIRE, jobId + "-tuning");
        FineTuneJob.build(
                env,
                connectors.records(topics.labeled(), false),
                connectors.parameters(topics.parameters()),
                connectors.versions(topics.parameters()),
                connectors.deadLetters(topics.deadLetters()),
                FineTuneSettings.forModel(ModelChoice.of(model), jobId)
                        .withIntraOpThreads(1)
                        .withTuning(TuningSettings.DEFAULT
                                .with(new TuningSettings.Images(0.5, 8, 100, 1 << 20, heldOutShare))
                                .with(new TuningSettings.Candidates(6, 8, 0.5, 3))));
        return env.executeAsync(FineTuneJob.NAME);
    }

    private static StreamExecutionEnvironment environment(String jobId) throws Exception {
        StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment(FlinkDefaults.statesIn(
                FlinkDefaults.job(Duration.ofMillis(500)),
                directory.resolve("checkpoints-" + jobId).toUri()));
        env.setParallelism(2);
        return env;
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
