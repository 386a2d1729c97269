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
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
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

    private static final int REQUESTS = Integer.getInteger("cluster.requests", 60);
    private static final WireFormat WIRE = new WireFormat.SingleObject();
    private static final Pattern RESTORED = Pattern.compile(
            "restored: (\\d+) samples in flight go on, (\\d+) of them from a later step than the first, with (\\d+) steps");

    @TempDir
    static Path directory;

    private static ProcessCluster cluster;

    @BeforeAll
    static void start() throws Exception {
        cluster = ProcessCluster.start(directory, 2, 2);
    }

    @AfterAll
    static void stop() throws Exception {
        cluster.close();
    }

    /** Every image once, and to the byte as if nothing had happened. */
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
        send("storm-", requests);
        try (CommittedImages stream = CommittedImages.of(cluster.bootstrapServers(), "storm-generated-images")) {
            String storm = submit("storm-", 2);
            stream.await(images / 6);
            cluster.kill("taskmanager-1");
            report("a TaskManager killed", stream.untilNext());
            cluster.start("taskmanager-1");

            stream.await(images * 2 / 6);
            String stopped = cluster.flink("stop", storm);
            Matcher savepoint = Pattern.compile("Path: (\\S+)").matcher(stopped);
            assertThat(savepoint.find()).as(stopped).isTrue();
            submit("storm-", 3, "--savepoint", savepoint.group(1));
            report("stopped with a savepoint, started with 3 subtasks in place of 2", stream.untilNext());

            stream.await(images * 3 / 6);
            cluster.kill("jobmanager");
            cluster.start("jobmanager");
            report("the JobManager killed and started", stream.untilNext());

            stream.await(images * 4 / 6);
            cluster.stop("kafka");
            cluster.start("kafka");
            report("the broker stopped and started", stream.untilNext());

            assertThat(bytes(stream.await(images))).containsExactlyInAnyOrderEntriesOf(expected);
            stream.assertThatNoneFollows(Duration.ofSeconds(5));
        }
        int begun = begunTrajectoriesThatWentOn();
        System.out.println("samples in flight that went on from a later step than the first: " + begun);
        assertThat(begun).isPositive();
    }

    private static void report(String what, Duration untilNextImage) {
        System.out.printf("%s: next image after %.1f s%n", what, untilNextImage.toMillis() / 1000.0);
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

    private static void send(String prefix, List<GenerationRequest> requests) {
        AvroCodec<GenerationRequest> codec = new AvroCodec<>(GenerationRequest.class, WIRE);
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", cluster.bootstrapServers()),
                new ByteArraySerializer(),
                new ByteArraySerializer())) {
            for (GenerationRequest request : requests) {
                Objects.requireNonNull(producer.send(new ProducerRecord<>(
                        prefix + "generation-requests",
                        request.getRequestId().getBytes(StandardCharsets.UTF_8),
                        codec.encode(request))));
            }
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
