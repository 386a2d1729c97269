package io.finestream.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.finestream.TinyModel;
import io.finestream.TinyVersions;
import io.finestream.dit.Taxonomy;
import io.finestream.flink.GenerationSettings;
import io.finestream.flink.ParameterFeed;
import io.finestream.flink.ParameterTopic;
import io.finestream.kafka.EmbeddedKafka;
import io.finestream.kafka.Topics;
import io.finestream.kafka.VersionPublisher;
import io.finestream.schemas.GeneratedImage;
import io.finestream.schemas.GenerationRequest;
import io.finestream.schemas.LiveVersion;
import io.finestream.schemas.ParameterSlice;
import io.finestream.schemas.ParameterVersion;
import io.finestream.schemas.wire.WireFormat;
import io.finestream.versions.ParameterSlices;
import io.finestream.versions.VersionAssembler;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.runtime.testutils.MiniClusterResourceConfiguration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** New versions of the parameters come to a running job by a topic of a real broker. */
class ParameterUpdateITCase {

    private static final int PARTITIONS = 4;
    private static final WireFormat WIRE = new WireFormat.SingleObject();
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final Taxonomy.ClassName STAR = new Taxonomy.ClassName("bent", "star");

    @RegisterExtension
    static final MiniClusterExtension FLINK = new MiniClusterExtension(new MiniClusterResourceConfiguration.Builder()
            .setNumberTaskManagers(1)
            .setNumberSlotsPerTaskManager(2)
            .build());

    @TempDir
    static Path directory;

    private static EmbeddedKafka kafka;
    private static Path model;
    private static TinyVersions versions;

    @BeforeAll
    static void start() throws Exception {
        kafka = EmbeddedKafka.start(directory.resolve("kafka"), 0);
        model = TinyModel.write(directory.resolve("model"), 1);
        versions = new TinyVersions(model);
    }

    @AfterAll
    static void stop() {
        kafka.close();
    }

    @Test
    void requestsFlowOnWhileAVersionComesAndNoneIsLost() throws Exception {
        Topics topics = topics("flow");
        List<GenerationRequest> sent = new ArrayList<>();
        JobClient job = start(topics, "flow");
        send(topics, sent, 8, "class 1");
        awaitImages(topics, 8);
        Instant published = publish(topics, 1, STAR);
        Awaitility.await().atMost(PATIENCE).pollDelay(Duration.ZERO).until(() -> {
            send(topics, sent, 4, "class 1");
            return subtasksWith(topics, 1) == PARTITIONS;
        });
        send(topics, sent, 8, "star");
        List<GeneratedImage> images = awaitImages(topics, sent.size());
        job.cancel().get();
        assertThat(images).extracting(GeneratedImage::getRequestId).doesNotHaveDuplicates();
        assertThat(images)
                .filteredOn(image -> image.getSubclass().equals("star"))
                .hasSize(8)
                .allSatisfy(image -> {
                    assertThat(image.getModelVersion()).isEqualTo(1);
                    assertThat(image.getSuperclass()).isEqualTo("bent");
                });
        for (int partition = 0; partition < PARTITIONS; partition++) {
            assertThat(versionsInOrder(images, partition))
                    .as("a partition never goes back")
                    .isSorted();
        }
        Instant first = images.stream()
                .filter(image -> image.getModelVersion() == 1)
                .map(GeneratedImage::getCreatedAt)
                .min(Comparator.naturalOrder())
                .orElseThrow();
        System.out.printf(
                "from the version's commit to the first image made with it: %d ms%n",
                Duration.between(published, first).toMillis());
    }

    @Test
    void aJobThatIsStartedAgainHasTheNewestVersionBeforeItReadsARequest() throws Exception {
        Topics topics = topics("again");
        List<GenerationRequest> sent = new ArrayList<>();
        publish(topics, 1);
        send(topics, sent, 4, "class 1");
        JobClient first = start(topics, "again");
        assertThat(awaitImages(topics, 4))
                .allSatisfy(image -> assertThat(image.getModelVersion()).isEqualTo(1));
        first.cancel().get();
        publish(topics, 2, STAR);
        send(topics, sent, 4, "star");
        JobClient second = start(topics, "again");
        List<GeneratedImage> images = awaitImages(topics, 8);
        second.cancel().get();
        assertThat(images)
                .filteredOn(image -> image.getSubclass().equals("star"))
                .hasSize(4)
                .allSatisfy(image -> assertThat(image.getModelVersion()).isEqualTo(2));
    }

    @Test
    void aVersionOfAnotherBaseModelStopsTheJobAndIsNamed() throws Exception {
        Topics topics = topics("base");
        Configuration once = configuration("base");
        once.set(RestartStrategyOptions.RESTART_STRATEGY, "none");
        JobClient job = start(topics, "base", once);
        Path other = TinyModel.write(directory.resolve("other"), 2);
        publish(new TinyVersions(other), topics, 17);
        assertThatThrownBy(() -> job.getJobExecutionResult().get())
                .hasStackTraceContaining("version 17 was trained on base")
                .hasStackTraceContaining("start with the base model that it was trained on");
    }

    @Test
    void aTopicThatIsNotThereOrIsAnotherOneIsNamed() throws Exception {
        Topics topics = topics("feed");
        VersionAssembler assembler = VersionAssembler.withoutBase(WIRE);
        assertThatThrownBy(() -> ParameterFeed.open(new ParameterTopic(client(), "nowhere"), assembler))
                .hasMessageContaining("there is no topic nowhere")
                .hasMessageContaining("finestream topics create");
        assembler.resume(versions.version(1));
        assertThatThrownBy(() -> ParameterFeed.open(new ParameterTopic(client(), topics.parameters()), assembler))
                .hasMessageContaining("up to offset 1000, which now has 0 to 0")
                .hasMessageContaining("start without the saved state");
    }

    @Test
    void aFeedTellsOfWhatComesAndClosesPromptly() throws Exception {
        Topics topics = topics("follow");
        publish(topics, 1);
        VersionAssembler assembler = VersionAssembler.withoutBase(WIRE);
        List<Long> told = new CopyOnWriteArrayList<>();
        List<Throwable> failures = new CopyOnWriteArrayList<>();
        ParameterFeed feed = ParameterFeed.open(new ParameterTopic(client(), topics.parameters()), assembler);
        assertThat(feed.catchUp()).isTrue();
        assertThat(assembler.version().getCommit().getVersion()).isEqualTo(1);
        feed.follow(new ParameterFeed.Listener() {
            @Override
            public void version(LiveVersion version) {
                told.add(version.getCommit().getVersion());
            }

            @Override
            public void failed(Throwable cause) {
                failures.add(cause);
            }
        });
        publish(topics, 2);
        publish(topics, 3);
        Awaitility.await().atMost(PATIENCE).until(() -> told.equals(List.of(2L, 3L)));
        long start = System.nanoTime();
        feed.close();
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(5));
        assertThat(failures).isEmpty();
    }

    private static void send(Topics topics, List<GenerationRequest> sent, int count, String subclass) throws Exception {
        List<GenerationRequest> requests = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int number = sent.size() + i;
            requests.add(GenerationRequest.newBuilder()
                    .setRequestId("request-" + number)
                    .setSubclass(subclass)
                    .setSeed(number)
                    .setSteps(10 + number % 7)
                    .build());
        }
        TopicsInTests.produce(client(), topics, requests);
        sent.addAll(requests);
    }

    private static List<GeneratedImage> awaitImages(Topics topics, int count) {
        List<GeneratedImage> images = new ArrayList<>();
        TopicsInTests.consumeImages(client(), topics, count, PATIENCE, images::add);
        return images;
    }

    /** How many partitions of requests have brought an image of this version. */
    private static long subtasksWith(Topics topics, long version) {
        return TopicsInTests.committedImages(client(), topics).stream()
                .filter(image -> image.getModelVersion() == version)
                .map(image -> image.getProvenance().getSourcePartition())
                .distinct()
                .count();
    }

    private static List<Long> versionsInOrder(List<GeneratedImage> images, int partition) {
        Stream<GeneratedImage> here =
                images.stream().filter(image -> image.getProvenance().getSourcePartition() == partition);
        return here.sorted(
                        Comparator.comparingLong(image -> image.getProvenance().getSourceOffset()))
                .map(GeneratedImage::getModelVersion)
                .toList();
    }

    private static Instant publish(Topics topics, long number, Taxonomy.ClassName... added) throws Exception {
        return publish(versions, topics, number, added);
    }

    private static Instant publish(TinyVersions made, Topics topics, long number, Taxonomy.ClassName... added)
            throws Exception {
        LiveVersion version = made.version(number, added);
        List<ParameterSlice> slices = ParameterSlices.changed(number, version.getTensors(), Map.of());
        ParameterVersion commit = made.commit(number, slices.size(), version.getAddedClasses());
        try (VersionPublisher publisher = new VersionPublisher(client(), topics.parameters(), WIRE)) {
            publisher.publish(slices, commit);
            return Instant.now();
        }
    }

    private static JobClient start(Topics topics, String jobId) throws Exception {
        return start(topics, jobId, configuration(jobId));
    }

    private static Configuration configuration(String jobId) throws Exception {
        return FlinkDefaults.statesIn(
                FlinkDefaults.job(Duration.ofMillis(500)),
                directory.resolve("checkpoints-" + jobId).toUri());
    }

    private static JobClient start(Topics topics, String jobId, Configuration configuration) throws Exception {
        StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment(configuration);
        env.setParallelism(2);
        KafkaConnectors connectors = new KafkaConnectors(client(), WIRE, jobId);
        GenerationJob.build(
                env,
                connectors.records(topics.requests(), false),
                connectors.parameters(topics.parameters()),
                connectors.control(topics.control()),
                connectors.images(topics.images()),
                connectors.events(topics.events()),
                connectors.deadLetters(topics.deadLetters()),
                GenerationSettings.forModel(model.toString()).withMaxRows(12));
        return env.executeAsync(GenerationJob.NAME);
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
