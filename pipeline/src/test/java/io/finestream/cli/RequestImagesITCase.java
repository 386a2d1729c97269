package io.finestream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.finestream.codec.Images;
import io.finestream.kafka.EmbeddedKafka;
import io.finestream.kafka.Topics;
import io.finestream.schemas.DeadLetter;
import io.finestream.schemas.GeneratedImage;
import io.finestream.schemas.GenerationRequest;
import io.finestream.schemas.GuidanceMode;
import io.finestream.schemas.Provenance;
import io.finestream.schemas.Quality;
import io.finestream.schemas.ReasonCode;
import io.finestream.schemas.ResolvedGuidance;
import io.finestream.schemas.SamplerName;
import io.finestream.schemas.StageTimings;
import io.finestream.schemas.wire.AvroCodec;
import io.finestream.schemas.wire.WireFormat;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.io.TempDir;

class RequestImagesITCase {

    private static final int PARTITIONS = 3;
    private static final WireFormat WIRE = new WireFormat.SingleObject();
    private static final AvroCodec<GenerationRequest> REQUESTS = new AvroCodec<>(GenerationRequest.class, WIRE);
    private static final AvroCodec<GeneratedImage> IMAGES = new AvroCodec<>(GeneratedImage.class, WIRE);
    private static final AvroCodec<DeadLetter> LETTERS = new AvroCodec<>(DeadLetter.class, WIRE);

    @TempDir
    static Path broker;

    @TempDir
    Path dir;

    private static EmbeddedKafka kafka;
    private static KafkaProducer<byte[], byte[]> producer;

    private String prefix;
    private Topics topics;

    @BeforeAll
    static void start() throws IOException {
        kafka = EmbeddedKafka.start(broker, 0);
        producer = new KafkaProducer<>(client(), new ByteArraySerializer(), new ByteArraySerializer());
    }

    @AfterAll
    static void close() {
        producer.close();
        kafka.close();
    }

    @BeforeEach
    void createTopics(TestInfo test) {
        prefix = test.getTestMethod().orElseThrow().getName() + ".";
        topics = Topics.DEFAULT.withPrefix(prefix);
        CommandLineRun run = run("topics", "create", "--partitions", PARTITIONS);
        assertThat(run.out()).hasLineCount(7).contains("created " + topics.requests());
        assertThat(run.exitCode()).isZero();
    }

    @Test
    void aRequestCarriesWhatTheCommandLineSays() throws Exception {
        Instant before = Instant.now();
        CommandLineRun run = run(
                "request",
                "--class",
                "red rose",
                "--count",
                5,
                "--seed",
                9,
                "--steps",
                30,
                "--sampler",
                "ddim",
                "--eta",
                0.5,
                "--guidance",
                3,
                "--guidance-interval",
                "10:700",
                "--priority",
                2,
                "--deadline",
                "5m",
                "--degradable",
                "--header",
                "user=anna",
                "--id",
                "order-1");

        assertThat(run.exitCode()).isZero();
        assertThat(run.out()).isEqualTo("order-1\n");
        assertThat(run.err())
                .isEqualTo("1 request for 5 images in 1 record sent to %s at %s; seed 9\n"
                        .formatted(topics.requests(), kafka.bootstrapServers()));
        ConsumerRecord<byte[], byte[]> record = sent(1).get(0);
        GenerationRequest request = REQUESTS.decode(record.value());
        assertThat(new String(record.key(), StandardCharsets.UTF_8)).isEqualTo("order-1");
        assertThat(request.getRequestId()).isEqualTo("order-1");
        assertThat(request.getSubclass()).isEqualTo("red rose");
        assertThat(request.getSubclassId()).isNull();
        assertThat(request.getCount()).isEqualTo(5);
        assertThat(request.getSeed()).isEqualTo(9);
        assertThat(request.getSteps()).isEqualTo(30);
        assertThat(request.getSampler()).isEqualTo(SamplerName.DDIM);
        assertThat(request.getEta()).isEqualTo(0.5);
        assertThat(request.getGuidance().getMode()).isEqualTo(GuidanceMode.FINE_GRAINED);
        assertThat(request.getGuidance().getScale()).isEqualTo(3);
        assertThat(request.getGuidance().getIntervalLow()).isEqualTo(10);
        assertThat(request.getGuidance().getIntervalHigh()).isEqualTo(700);
        assertThat(request.getGuidance().getGuidedChannels()).isNull();
        assertThat(request.getPriority()).isEqualTo(2);
        assertThat(request.getDeadline())
                .isBetween(before.plusSeconds(299), Instant.now().plusSeconds(300));
        assertThat(request.getQuality()).isEqualTo(Quality.DEGRADABLE);
        assertThat(request.getHeaders()).containsExactly(Map.entry("user", "anna"));
    }

    @Test
    void aLargeRequestIsSplitOverThePartitionsUnderOneId() throws Exception {
        CommandLineRun run = run("request", "--class", 12, "--count", 150, "--max-per-record", 64);

        assertThat(run.out()).hasLineCount(1);
        List<ConsumerRecord<byte[], byte[]>> records = sent(3);
        assertThat(records).extracting(ConsumerRecord::partition).containsExactlyInAnyOrder(0, 1, 2);
        assertThat(records)
                .extracting(record -> new String(record.key(), StandardCharsets.UTF_8))
                .containsOnly(run.out().strip());
        List<GenerationRequest> parts = new ArrayList<>();
        for (ConsumerRecord<byte[], byte[]> record : records) {
            parts.add(REQUESTS.decode(record.value()));
        }
        assertThat(parts).extracting(GenerationRequest::getSubclassId).containsOnly(12);
        assertThat(parts)
                .extracting(GenerationRequest::getSeed)
                .hasSize(3)
                .containsOnly(parts.get(0).getSeed());
        assertThat(parts)
                .extracting(part -> part.getFirstSample() + "+" + part.getCount())
                .containsExactlyInAnyOrder("0+64", "64+64", "128+22");
    }

    @Test
    void aFileHoldsARequestPerLine() throws Exception {
        Path file = Files.writeString(dir.resolve("requests.jsonl"), """
                {"subclass":"red rose","count":2,"steps":30,"guidance":{"scale":3,"mode":"none"}}

                white rose
                {"requestId":"mine","subclassId":4,"seed":77,"sampler":"ddpm","headers":{"a":"b"}}
                {"requestId":"fast","subclassId":4,"steps":8,"sampler":"dpm-solver-pp"}
                """);
        CommandLineRun run = run("request", "--file", file, "--seed", 100, "--priority", 5);

        assertThat(run.err()).startsWith("4 requests for 5 images in 4 records");
        assertThat(run.out()).hasLineCount(4).endsWith("mine\nfast\n");
        List<GenerationRequest> requests = new ArrayList<>();
        for (ConsumerRecord<byte[], byte[]> record : sent(4)) {
            requests.add(REQUESTS.decode(record.value()));
        }
        assertThat(requests)
                .extracting(r -> "%s %s %d %d %d %s %s %d"
                        .formatted(
                                r.getSubclass(),
                                r.getSubclassId(),
                                r.getCount(),
                                r.getSteps(),
                                r.getSeed(),
                                r.getSampler(),
                                r.getGuidance().getMode(),
                                r.getPriority()))
                .containsExactlyInAnyOrder(
                        "red rose null 2 30 100 DDIM NONE 5",
                        "white rose null 1 20 101 DDIM FINE_GRAINED 5",
                        "null 4 1 20 77 DDPM FINE_GRAINED 5",
                        "null 4 1 8 103 DPM_SOLVER_PP FINE_GRAINED 5");
    }

    @Test
    void aBadLineIsNamedAndNothingIsSent() throws Exception {
        Map<String, String> mistakes = Map.of(
                "{\"subclas\":\"rose\"}", "line 2: there is no field 'subclas'; expected any of requestId, subclass,",
                "{\"count\":2}", "line 2: expected a subclass (a name) or a subclassId (a number), and not both",
                "{\"subclass\":\"rose\",\"steps\":0}", "line 2: steps is 0, expected 1 to 1000",
                "{\"subclass\":\"rose\",\"sampler\":\"euler\"}",
                        "line 2: sampler is \"euler\", expected one of DDIM, DDPM, DPM_SOLVER_PP, UNIPC",
                "{\"subclass\":\"rose\",\"sampler\":\"unipc\",\"respacing\":\"50\"}",
                        "line 2: respacing is '50', which goes with DDIM or DDPM",
                "{\"subclass\":\"rose\",\"steps\":\"many\"}", "line 2: steps is \"many\", expected a whole number",
                "{\"subclass\":\"rose\",\"guidance\":{\"scale\":\"NaN\"}}",
                        "line 2: scale is \"NaN\", expected a number",
                "{\"subclass\":\"rose\"", "line 2: Unexpected end-of-input",
                "{\"subclass\":\"rose\",\"deadline\":\"soon\"}", "line 2: deadline: 'soon' is no time");
        for (Map.Entry<String, String> mistake : mistakes.entrySet()) {
            Path file = Files.writeString(dir.resolve("requests.jsonl"), "white rose\n" + mistake.getKey() + "\n");

            CommandLineRun run = run("request", "--file", file);

            assertThat(run.err()).contains(mistake.getValue()).hasLineCount(1);
            assertThat(run.exitCode()).isEqualTo(1);
        }
        assertThat(sent(0)).isEmpty();
    }

    @Test
    void imagesBecomeFilesWithALineEach() throws Exception {
        send(topics.images(), IMAGES.encode(image("a", 0, "red rose", "rose")));
        send(topics.images(), "no image".getBytes(StandardCharsets.UTF_8));
        send(topics.images(), IMAGES.encode(image("b", 1, "white rose", "rose")));
        send(topics.images(), IMAGES.encode(image("c", 0, "white rose", "rose")));

        Path grid = dir.resolve("grid.png");
        CommandLineRun run =
                run("images", "--out", dir, "--request", "a", "--request", "b", "--count", 2, "--grid", grid);

        assertThat(run.exitCode()).isZero();
        assertThat(run.out()).matches("2 images of 2 requests to .* in [0-9.]+ s\n");
        assertThat(Images.decode(Files.readAllBytes(dir.resolve("rose/red_rose/a-0.png")))
                        .getWidth())
                .isEqualTo(8);
        assertThat(dir.resolve("rose/white_rose/b-1.png")).exists();
        assertThat(dir.resolve("rose/white_rose/c-0.png")).doesNotExist();
        assertThat(Images.decode(Files.readAllBytes(grid)).getWidth()).isPositive();
        List<String> lines = Files.readAllLines(dir.resolve("images.jsonl"));
        assertThat(lines).hasSize(2);
        JsonNode line = new ObjectMapper()
                .readTree(lines.stream()
                        .filter(l -> l.contains("\"requestId\":\"a\""))
                        .findFirst()
                        .orElseThrow());
        assertThat(line.path("file").asText()).isEqualTo("rose/red_rose/a-0.png");
        assertThat(line.path("guidance").path("mode").asText()).isEqualTo("FINE_GRAINED");
        assertThat(line.path("createdAt").asText()).isEqualTo("2026-01-31T12:00:00Z");
        assertThat(line.path("timings").path("denoiseMillis").asDouble()).isEqualTo(1.5);
        assertThat(line.has("image")).isFalse();
    }

    @Test
    void scriptsGetJsonAlone() throws Exception {
        JsonNode request = new ObjectMapper()
                .readTree(run("request", "--class", "red rose", "--count", 3, "--json")
                        .out());
        assertThat(request.path("subclass").asText()).isEqualTo("red rose");
        assertThat(request.path("count").asInt()).isEqualTo(3);

        send(topics.images(), IMAGES.encode(image(request.path("requestId").asText(), 0, "red rose", "rose")));
        CommandLineRun images = run("images", "--out", dir, "--count", 1, "--json");
        assertThat(images.out()).isEqualTo(Files.readString(dir.resolve("images.jsonl")));
        assertThat(images.err()).startsWith("1 image of 1 request to ");

        JsonNode created =
                new ObjectMapper().readTree(run("topics", "create", "--json").out());
        assertThat(created.path("created")).isEmpty();
        assertThat(created.path("existed")).hasSize(7);
    }

    @Test
    void namesFromTheStreamStayInTheFolder() throws Exception {
        Path out = dir.resolve("deep/down");
        send(topics.images(), IMAGES.encode(image("../../escaped", 0, "..", "../..")));
        send(topics.images(), IMAGES.encode(image("/etc/x", 0, "a/b", "")));
        send(topics.images(), IMAGES.encode(image(".hidden\u0000\n", 0, "rose", "C:\\x")));

        CommandLineRun run = run("images", "--out", out, "--count", 3);

        assertThat(run.exitCode()).isZero();
        try (Stream<Path> files = Files.walk(dir).filter(Files::isRegularFile)) {
            assertThat(files.map(dir::relativize).map(Path::toString))
                    .hasSize(4)
                    .allMatch(file -> file.matches(
                            "deep/down/(images\\.jsonl|[A-Za-z0-9_-]+/[A-Za-z0-9_-]+/[A-Za-z0-9_-]+\\.png)"));
        }
    }

    @Test
    void deadLettersSayWhyARequestWasRefused() throws Exception {
        send(topics.deadLetters(), LETTERS.encode(letter("a", "there is no class 'tulipp'\u001b[2J")));
        send(topics.deadLetters(), LETTERS.encode(letter("b", "another one's")));

        CommandLineRun run = run("images", "--out", dir, "--dead-letters", "--request", "a", "--idle-timeout", "3s");

        assertThat(run.err())
                .isEqualTo("refused request a (requests-2, offset 5): UNKNOWN_CLASS: there is no class 'tulipp'?[2J\n");
        assertThat(run.out()).startsWith("0 images of 0 requests");
    }

    @Test
    void aBrokerThatIsNotThereIsSaidInOneLineWithin15Seconds() {
        for (String command : List.of("request --class rose", "images --out " + dir, "topics create")) {
            long start = System.nanoTime();
            CommandLineRun run =
                    CommandLineRun.of((Object[]) (command + " --bootstrap-servers 127.0.0.1:1").split(" "));

            assertThat(run.err()).contains("127.0.0.1:1 within 10 s").hasLineCount(1);
            assertThat(run.exitCode()).isEqualTo(1);
            assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(15));
        }
    }

    @Test
    void aTopicThatIsNotThereIsSaidInOneLine() {
        CommandLineRun run = run("request", "--class", "rose", "--topic", "elsewhere");

        assertThat(run.err())
                .isEqualTo(
                        "finestream: there is no topic elsewhere at %s; create the topics with 'finestream topics create'\n"
                                .formatted(kafka.bootstrapServers()));
        assertThat(run.exitCode()).isEqualTo(1);
    }

    private CommandLineRun run(Object... args) {
        return CommandLineRun.of(Stream.concat(
                        Stream.of(args),
                        Stream.of("--bootstrap-servers", kafka.bootstrapServers(), "--topic-prefix", prefix))
                .toArray());
    }

    private static Map<String, Object> client() {
        return Map.of("bootstrap.servers", kafka.bootstrapServers());
    }

    private static void send(String topic, byte[] value) throws Exception {
        producer.send(new ProducerRecord<>(topic, value)).get();
    }

    /** The records in the topic of requests, once there are so many. */
    private List<ConsumerRecord<byte[], byte[]>> sent(int expected) {
        Map<String, String> client = Map.of("bootstrap.servers", kafka.bootstrapServers());
        List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
        try (CommittedRecords reader = CommittedRecords.of(client, Map.of(topics.requests(), PARTITIONS), false)) {
            do {
                reader.poll().forEach(records::add);
            } while (records.size() < expected);
            return records;
        }
    }

    private static GeneratedImage image(String id, int sample, String subclass, String superclass) {
        return GeneratedImage.newBuilder()
                .setRequestId(id)
                .setSample(sample)
                .setSubclass(subclass)
                .setSubclassId(0)
                .setSuperclass(superclass)
                .setSuperclassId(0)
                .setImage(ByteBuffer.wrap(Images.toPng(new BufferedImage(8, 8, BufferedImage.TYPE_INT_RGB))))
                .setWidth(8)
                .setHeight(8)
                .setSeed(1)
                .setModelVersion(0)
                .setBaseModelHash("0".repeat(64))
                .setSteps(20)
                .setStepsRequested(20)
                .setSampler(SamplerName.DDIM)
                .setEta(0)
                .setGuidance(new ResolvedGuidance(GuidanceMode.FINE_GRAINED, 2.0, 0, 999, 3))
                .setTimings(new StageTimings(1.0, 1.5, 1.0, 1.0, 5.0))
                .setCreatedAt(Instant.parse("2026-01-31T12:00:00Z"))
                .setProvenance(new Provenance("test", "test", "requests", 0, 0L))
                .build();
    }

    private static DeadLetter letter(String requestId, String reason) {
        return DeadLetter.newBuilder()
                .setOriginal(ByteBuffer.allocate(0))
                .setReason(reason)
                .setReasonCode(ReasonCode.UNKNOWN_CLASS)
                .setRequestId(requestId)
                .setTopic("requests")
                .setPartition(2)
                .setOffset(5)
                .setTimestamp(Instant.EPOCH)
                .setRejectedAt(Instant.EPOCH)
                .build();
    }
}
