package io.finestream.docker;

import static org.assertj.core.api.Assertions.assertThat;

import io.finestream.schemas.GeneratedImage;
import io.finestream.schemas.GenerationRequest;
import io.finestream.schemas.GuidanceSpec;
import io.finestream.schemas.SamplerName;
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
import java.util.SplittableRandom;
import java.util.concurrent.Future;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A broker, ZooKeeper, a JobManager and two TaskManagers as processes, each of which dies while images are made.
 * {@code -Dcluster.requests=1000} makes it as long as one likes.
 */
class ClusterITCase {

    private static final int REQUESTS = Integer.getInteger("cluster.requests", 64); // a multiple of 4
    private static final int LESSON = 24;
    private static final int RESTARTS = Integer.getInteger("cluster.restarts", 4);
    private static final WireFormat WIRE = new WireFormat.SingleObject();
    private static final Pattern RESTORED = Pattern.compile(
            "restored: (\\d+) samples in flight go on, (\\d+) of them from a later step than the first, with (\\d+) steps");

    @TempDir
    static Path directory;

    private static ProcessCluster cluster;

    @BeforeAll
    static void start() throws Exception {
        cluster = ProcessCluster.start(directory, 2, 3);
    }

    @AfterAll
    static void stop() throws Exception {
        cluster.close();
    }

    /**
     * Every image once, and to the byte as if nothing had happened; and fine-tuning, through the same, takes every labeled
     * image once, into versions that are numbered as if nothing had happened.
     */
    @Test
    void noImageIsLostOrDoubledOrChangedWhateverDies() throws Exception {
        List<GenerationRequest> requests = requests();
        int images = requests.stream().mapToInt(GenerationRequest::getCount).sum();

        cluster.finestream("topics", "create", "-b", cluster.bootstrapServers(), "--topic-prefix", "calm-");
        send("calm-", requests);
        String calm = submit("calm-", 2);
        Map<String, byte[]> expected;
        try (CommittedImages undisturbed = CommittedImages.of(cluster.bootstrapServers(), "calm-generated-images")) {
            expected = bytes(undisturbed.await(images));
        }
        cluster.flink("cancel", calm);

        cluster.finestream("topics", "create", "-b", cluster.bootstrapServers(), "--topic-prefix", "storm-");
        Lessons lessons = new Lessons(cluster.bootstrapServers(), "storm-");
        String tuning = submitTuning("storm-");
        lessons.teach(LESSON);
        lessons.awaitVersion();
        String storm = submit("storm-", 2);
        try (CommittedImages stream = CommittedImages.of(cluster.bootstrapServers(), "storm-generated-images")) {
            Storm during = new Storm(stream, requests, lessons);
            during.next("a TaskManager killed", () -> {
                cluster.kill("taskmanager-1");
                cluster.start("taskmanager-1");
            });
            during.next("stopped with a savepoint, started with 3 subtasks in place of 2", () -> {
                submit("storm-", 3, "--savepoint", cluster.stopWithSavepoint(storm));
            });
            submitTuning("storm-", "--savepoint", cluster.stopWithSavepoint(tuning));
            during.next("the JobManager killed and started", () -> {
                cluster.kill("jobmanager");
                cluster.start("jobmanager");
            });
            during.next("the broker stopped and started", () -> {
                cluster.stop("kafka");
                cluster.start("kafka");
            });
            assertThat(bytes(stream.await(images))).containsExactlyInAnyOrderEntriesOf(expected);
            stream.assertThatNoneFollows(Duration.ofSeconds(5));
        }
        lessons.awaitAllTaken();
        lessons.assertThatEveryImageIsInOneOfConsecutiveVersions();
        int begun = begunTrajectoriesThatWentOn();
        System.out.println("samples in flight that went on from a later step than the first: " + begun);
        assertThat(begun).isPositive();
    }

    private interface Disturbance {
        void happens() throws Exception;
    }

    /** Sends a share of the requests before each disturbance, and waits for their images after it. */
    private static final class Storm {

        private static final int DISTURBANCES = 4;

        private final CommittedImages stream;
        private final List<GenerationRequest> requests;
        private final Lessons lessons;
        private int sent;
        private int images;

        Storm(CommittedImages stream, List<GenerationRequest> requests, Lessons lessons) {
            this.stream = stream;
            this.requests = requests;
            this.lessons = lessons;
        }

        /** Says how long nothing came. */
        void next(String what, Disturbance disturbance) throws Exception {
            int share = requests.size() / DISTURBANCES;
            List<GenerationRequest> some = requests.subList(sent, sent + share);
            send("storm-", some);
            lessons.teach(LESSON);
            sent += share;
            stream.await(images + 1); // it is under way
            images += some.stream().mapToInt(GenerationRequest::getCount).sum();
            Instant start = Instant.now();
            int before = stream.size();
            assertThat(before).as("images before that: %s", what).isLessThan(images);
            disturbance.happens();
            double took = Duration.between(start, Instant.now()).toMillis() / 1000.0;
            stream.await(images);
            System.out.printf(
                    "%s (in %.1f s), %d of %d images to come: at most %.1f s without one%n",
                    what,
                    took,
                    images - before,
                    some.stream().mapToInt(GenerationRequest::getCount).sum(),
                    stream.longestSilence(start).toMillis() / 1000.0);
        }
    }

    /** On images that are used once each, so that it does not outlast the test. */
    private static String submitTuning(String prefix, String... flink) throws Exception {
        List<String> command = new ArrayList<>(List.of(flink));
        command.addAll(List.of(
                "tune",
                "--topic-prefix",
                prefix,
                "--uses",
                "1",
                "--batch",
                "4",
                "--gate-every",
                "4",
                "--held-out",
                "0"));
        return cluster.submit(command.toArray(String[]::new));
    }

    private static String submit(String prefix, int parallelism, String... flink) throws Exception {
        List<String> command = new ArrayList<>(List.of(flink));
        command.addAll(List.of(
                "run",
                "--topic-prefix",
                prefix,
                "--no-updates",
                "--deterministic",
                "--parallelism",
                String.valueOf(parallelism)));
        return cluster.submit(command.toArray(String[]::new));
    }

    /** Of all samplers, 4 to 24 steps, guided and not, one to three samples. */
    private static List<GenerationRequest> requests() {
        SplittableRandom random = new SplittableRandom(1);
        List<GenerationRequest> requests = new ArrayList<>();
        for (int i = 0; i < REQUESTS; i++) {
            requests.add(GenerationRequest.newBuilder()
                    .setRequestId("request-" + i)
                    .setSubclassId(random.nextInt(200))
                    .setCount(random.nextInt(1, 4))
                    .setSeed(random.nextLong())
                    .setSampler(SamplerName.values()[random.nextInt(SamplerName.values().length)])
                    .setSteps(random.nextInt(4, 25))
                    .setPriority(random.nextInt(2))
                    .setGuidanceBuilder(GuidanceSpec.newBuilder().setScale(random.nextBoolean() ? 1.0 : 1.5))
                    .build());
        }
        return requests;
    }

    private static void send(String prefix, List<GenerationRequest> requests) throws Exception {
        AvroCodec<GenerationRequest> codec = new AvroCodec<>(GenerationRequest.class, WIRE);
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", cluster.bootstrapServers()),
                new ByteArraySerializer(),
                new ByteArraySerializer())) {
            for (GenerationRequest request : requests) {
                sent.add(producer.send(new ProducerRecord<>(
                        prefix + "generation-requests",
                        request.getRequestId().getBytes(StandardCharsets.UTF_8),
                        codec.encode(request))));
            }
        }
        for (Future<RecordMetadata> record : sent) {
            record.get(); // the broker has it
        }
    }

    private static Map<String, byte[]> bytes(List<GeneratedImage> images) {
        Map<String, byte[]> bytes = new HashMap<>();
        for (GeneratedImage image : images) {
            byte[] png = new byte[image.getImage().remaining()];
            image.getImage().duplicate().get(png);
            assertThat(bytes.put(image.getRequestId() + "/" + image.getSample(), png))
                    .as("another image of %s/%d", image.getRequestId(), image.getSample())
                    .isNull();
        }
        return bytes;
    }

    /** The engine's library is loaded once, and neither class loaders nor memory pile up. */
    @Test
    void aJobThatStartsAgainAndAgainLeavesNothingInItsProcesses() throws Exception {
        cluster.stop("taskmanager-2");
        cluster.finestream("topics", "create", "-b", cluster.bootstrapServers(), "--topic-prefix", "again-");
        List<GenerationRequest> requests = requests();
        ClusterProcess process = new ClusterProcess(cluster.pid("taskmanager-1"));
        ClusterProcess master = new ClusterProcess(cluster.pid("jobmanager"));
        List<ClusterProcess.Footprint> footprints = new ArrayList<>();
        List<ClusterProcess.Footprint> masters = new ArrayList<>();
        try (CommittedImages stream = CommittedImages.of(cluster.bootstrapServers(), "again-generated-images")) {
            for (int i = 0; i < RESTARTS; i++) {
                send("again-", requests.subList(i, i + 1));
                String job = submit("again-", 1);
                stream.awaitRequest(requests.get(i)); // those of earlier starts may come again
                cluster.flink("cancel", job);
                footprints.add(process.footprint());
                masters.add(master.footprint());
                System.out.println("start " + (i + 1) + ": " + footprints.get(i) + ", JobManager " + masters.get(i));
            }
        } finally {
            cluster.start("taskmanager-2");
        }
        assertThat(footprints)
                .allSatisfy(footprint -> assertThat(footprint.engines()).isEqualTo(1));
        ClusterProcess.Footprint second = footprints.get(1);
        ClusterProcess.Footprint last = footprints.get(RESTARTS - 1);
        assertThat(last.classLoaders()).isLessThanOrEqualTo(second.classLoaders());
        assertThat(masters.get(RESTARTS - 1).classLoaders())
                .as("class loaders in the JobManager")
                .isLessThanOrEqualTo(masters.get(1).classLoaders());
        assertThat(last.residentMegabytes())
                .as("resident MB, at the second end %d", second.residentMegabytes())
                .isLessThan(second.residentMegabytes() + RESTARTS * 15L); // a model would be 60 at each start
    }

    private static int begunTrajectoriesThatWentOn() throws Exception {
        int begun = 0;
        for (String part : List.of("taskmanager-1", "taskmanager-2")) {
            Matcher restored = RESTORED.matcher(cluster.log(part));
            while (restored.find()) {
                begun += Integer.parseInt(restored.group(2));
            }
        }
        return begun;
    }
}
