package io.finestream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Device;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.finestream.TinyModel;
import io.finestream.TinyVersions;
import io.finestream.dit.ComputeType;
import io.finestream.dit.DiTParameters;
import io.finestream.dit.Taxonomy;
import io.finestream.flink.ParameterFeed;
import io.finestream.flink.ParameterTopic;
import io.finestream.kafka.AdapterFiles;
import io.finestream.kafka.EmbeddedKafka;
import io.finestream.kafka.Topics;
import io.finestream.kafka.VersionPublisher;
import io.finestream.schemas.GateResult;
import io.finestream.schemas.LiveVersion;
import io.finestream.schemas.ParameterSlice;
import io.finestream.schemas.ParameterVersion;
import io.finestream.schemas.wire.AvroCodec;
import io.finestream.schemas.wire.WireFormat;
import io.finestream.versions.BaseTensors;
import io.finestream.versions.ParameterSlices;
import io.finestream.versions.VersionAssembler;
import io.finestream.weights.GenerativeModel;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.io.TempDir;

class ModelsITCase {

    private static final WireFormat WIRE = new WireFormat.SingleObject();
    private static final Taxonomy.ClassName STAR = new Taxonomy.ClassName("bent", "star");
    private static final String TABLE = DiTParameters.SUBCLASS_TABLE;

    @TempDir
    static Path shared;

    @TempDir
    Path dir;

    private static EmbeddedKafka kafka;
    private static Path model;
    private static TinyVersions versions;

    private String prefix;
    private Topics topics;

    @BeforeAll
    static void start() throws IOException {
        kafka = EmbeddedKafka.start(shared.resolve("kafka"), 0);
        model = TinyModel.write(shared.resolve("model"), 1);
        versions = new TinyVersions(model);
    }

    @AfterAll
    static void close() {
        kafka.close();
    }

    @BeforeEach
    void createTopics(TestInfo test) throws IOException {
        prefix = test.getTestMethod().orElseThrow().getName() + ".";
        topics = Topics.DEFAULT.withPrefix(prefix);
        topics.create(new HashMap<>(client()), 1, (short) 1);
    }

    @Test
    void listTellsOfEveryVersion() throws Exception {
        publish(1);
        publish(2, STAR);

        CommandLineRun run = run("models", "list");

        assertThat(run.exitCode()).isZero();
        assertThat(run.out().lines().map(String::strip))
                .containsExactly(
                        "version  parent  time                  step  classes  gate                                        publisher  comment",
                        "1        0       1970-01-01T00:00:00Z  100   -        all 0.1200 > 0.1100, round 0.2000 > 0.2100  test",
                        "2        1       1970-01-01T00:00:00Z  200   +1       all 0.1200 > 0.1100, round 0.2000 > 0.2100  test");

        List<String> lines = run("models", "list", "--json").out().lines().toList();
        assertThat(lines).hasSize(2);
        JsonNode second = new ObjectMapper().readTree(lines.get(1));
        assertThat(second.path("version").asInt()).isEqualTo(2);
        assertThat(second.path("taxonomyDelta").path(0).path("subclass").asText())
                .isEqualTo("star");
        assertThat(second.path("gate").path(1).path("group").asText()).isEqualTo("round");
    }

    @Test
    void showTellsEverythingOfOne() throws Exception {
        publish(1, STAR);

        assertThat(run("models", "show", 1).out())
                .contains("version     1\n", "parent      0, the base model\n", "new class   star in bent\n")
                .contains("gate        round: loss 0.2000 > 0.2100\n");
        assertThat(new ObjectMapper()
                        .readTree(run("models", "show", 1, "--json").out())
                        .path("step")
                        .asInt())
                .isEqualTo(100);
        assertThat(run("models", "show", 5).err())
                .contains("there is no version 5 in the topic " + topics.parameters(), "up to 1")
                .hasLineCount(1);
    }

    @Test
    void anEmptyTopicHasNoVersions() {
        assertThat(run("models", "list").out()).hasLineCount(1);
        assertThat(run("models", "show", 1).err())
                .contains("there is no version in the topic " + topics.parameters() + " yet")
                .hasLineCount(1);
    }

    @Test
    void theNewestVersionIsExportedForGenerateWithTheClassesThatItAdded() throws Exception {
        publish(1);
        publish(2, STAR);
        Path adapter = dir.resolve("adapter.safetensors");

        CommandLineRun run = run("models", "export", 2, "--out", adapter);

        assertThat(run.out()).startsWith("version 2, ").endsWith("bytes, to " + adapter + "\n");
        CommandLineRun generated = CommandLineRun.of(
                "generate", "--model", model, "--adapter", adapter, "--class", "star", "--steps", 2, "--out", dir);
        assertThat(generated.err()).isEmpty();
        assertThat(generated.out()).startsWith("1 image to " + dir);
    }

    @Test
    void rowsThatNoVersionChangedComeFromTheModelThatIsNamed() throws Exception {
        LiveVersion version = versions.version(1);
        List<ParameterSlice> one = ParameterSlices.changed(1, version.getTensors(), Map.of()).stream()
                .filter(slice -> ParameterSlices.key(slice).equals(TABLE + "[3:4]"))
                .toList();
        publish(one, versions.commit(1, 1, List.of()));
        Path adapter = dir.resolve("adapter.safetensors");

        assertThat(run("models", "export", 1, "--out", adapter).err())
                .contains("row 0 of tensor " + TABLE, "name that model")
                .hasLineCount(1);

        assertThat(run("models", "export", 1, "--out", adapter, "--model", model)
                        .exitCode())
                .isZero();
        Map<String, ParameterSlice> tensors = AdapterFiles.read(adapter, 1);
        assertThat(tensors).containsOnlyKeys(TABLE);
        assertThat(row(tensors.get(TABLE), 2)).isEqualTo(row(base(TABLE), 2));
        assertThat(row(tensors.get(TABLE), 3)).isNotEqualTo(row(base(TABLE), 3));
    }

    @Test
    void anOlderVersionComesFromItsAdapterFile() throws Exception {
        publish(1);
        exportTo(dir.resolve("adapters"), 1);
        publish(2);
        publish(3);
        Path out = dir.resolve("out.safetensors");

        assertThat(run("models", "export", 1, "--out", out, "--adapters", dir.resolve("adapters"))
                        .exitCode())
                .isZero();
        assertThat(out).hasSameBinaryContentAs(dir.resolve("adapters/adapter-1.safetensors"));

        assertThat(run("models", "export", 2, "--out", out, "--adapters", dir.resolve("adapters"))
                        .err())
                .contains("the tensors of version 2 are not to be had", "of the newest only, 3", "has adapters of 1")
                .hasLineCount(1);
        assertThat(run("models", "export", 2, "--out", out).err()).contains("--adapters");
    }

    @Test
    void rollbackPublishesAnEarlierVersionAsANewOneAndLeavesClassesThatItDidNotKnow() throws Exception {
        publish(1);
        exportTo(dir, 1);
        publish(2, STAR);
        Map<String, ParameterSlice> second = newest();

        CommandLineRun run = run("models", "rollback", 1, "--adapters", dir);

        assertThat(run.err()).isEmpty();
        assertThat(run.out()).isEqualTo("version 3 has the tensors of version 1\n");
        JsonNode shown =
                new ObjectMapper().readTree(run("models", "show", 3, "--json").out());
        assertThat(shown.path("comment").asText()).isEqualTo("rollback to 1");
        assertThat(shown.path("publisher").asText()).isEqualTo("finestream models");
        assertThat(shown.path("parent").asInt()).isEqualTo(2);
        assertThat(shown.path("step").asInt()).isEqualTo(100);
        Map<String, ParameterSlice> first = AdapterFiles.read(dir.resolve("adapter-1.safetensors"), 1);
        Map<String, ParameterSlice> third = newest();
        assertThat(third.keySet()).isEqualTo(first.keySet());
        first.forEach((name, tensor) -> {
            for (int row = 0; row < tensor.getRowCount(); row++) {
                assertThat(row(third.get(name), row)).as(name).isEqualTo(row(tensor, row));
            }
        });
        assertThat(third.get(TABLE).getRowCount()).isEqualTo(TinyModel.CLASSES + 1);
        assertThat(row(third.get(TABLE), TinyModel.CLASSES)).isEqualTo(row(second.get(TABLE), TinyModel.CLASSES));
    }

    @Test
    void rollbackToZeroIsTheBaseModel() throws Exception {
        publish(1);

        assertThat(run("models", "rollback", 0).err()).contains("--model").hasLineCount(1);
        assertThat(run("models", "rollback", 0, "--model", model).out())
                .isEqualTo("version 2 has the tensors of version 0\n");

        newest().forEach((name, tensor) ->
                assertThat(tensor.getData()).as(name).isEqualTo(base(name).getData()));
        assertThat(run("models", "rollback", 2, "--model", model).err()).contains("version 2 is the newest already");
    }

    @Test
    void rollbackTriesAgainWhereAnotherPublisherTookItsNumber() throws Exception {
        publish(1);
        exportTo(dir, 1);
        publish(2);
        TopicPartition partition = new TopicPartition(topics.parameters(), 0);
        Map<String, Object> settings = new HashMap<>(client());
        settings.put("transactional.id", "other");
        try (var other = new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
                Admin admin = Admin.create(new HashMap<>(client()))) {
            other.initTransactions();
            other.beginTransaction();
            List<ParameterSlice> slices = slices(3);
            for (ParameterSlice slice : slices) {
                other.send(
                        record(ParameterSlices.key(slice), new AvroCodec<>(ParameterSlice.class, WIRE).encode(slice)));
            }
            ParameterVersion commit = versions.commit(3, slices.size(), List.of());
            other.send(record(
                            ParameterSlices.key(commit), new AvroCodec<>(ParameterVersion.class, WIRE).encode(commit)))
                    .get();
            long before = end(admin, partition);
            CompletableFuture<CommandLineRun> rollback =
                    CompletableFuture.supplyAsync(() -> run("models", "rollback", 1, "--adapters", dir));
            Awaitility.await("the rollback has taken number 3")
                    .until(() -> end(admin, partition) > before + slices.size());
            other.commitTransaction();
            assertThat(rollback.get().out()).isEqualTo("version 4 has the tensors of version 1\n");
        }
        assertThat(run("models", "list", "--json").out()).hasLineCount(5);
        Map<String, ParameterSlice> first = AdapterFiles.read(dir.resolve("adapter-1.safetensors"), 1);
        newest().forEach((name, tensor) ->
                assertThat(tensor.getData()).as(name).isEqualTo(first.get(name).getData()));
    }

    private ProducerRecord<byte[], byte[]> record(String key, byte[] value) {
        return new ProducerRecord<>(topics.parameters(), key.getBytes(StandardCharsets.UTF_8), value);
    }

    private static long end(Admin admin, TopicPartition partition) throws Exception {
        return admin.listOffsets(Map.of(partition, OffsetSpec.latest()))
                .partitionResult(partition)
                .get()
                .offset();
    }

    private void exportTo(Path adapters, long version) throws IOException {
        Files.createDirectories(adapters);
        CommandLineRun run =
                run("models", "export", version, "--out", adapters.resolve("adapter-" + version + ".safetensors"));
        assertThat(run.exitCode()).as(run.err()).isZero();
    }

    private static List<ParameterSlice> slices(long number, Taxonomy.ClassName... added) {
        return ParameterSlices.changed(number, versions.version(number, added).getTensors(), Map.of());
    }

    private void publish(long number, Taxonomy.ClassName... added) throws IOException {
        List<ParameterSlice> slices = slices(number, added);
        ParameterVersion commit = versions.commit(
                number, slices.size(), versions.version(number, added).getAddedClasses());
        commit.setGate(List.of(new GateResult("all", "loss", 0.12, 0.11), new GateResult("round", "loss", 0.2, 0.21)));
        publish(slices, commit);
    }

    private void publish(List<ParameterSlice> slices, ParameterVersion commit) throws IOException {
        try (VersionPublisher publisher = new VersionPublisher(client(), topics.parameters(), WIRE)) {
            publisher.publish(slices, commit);
        }
    }

    /** Tensors of the newest version by name, as a generator that starts now has them. */
    private Map<String, ParameterSlice> newest() throws IOException {
        Map<String, ParameterSlice> tensors = new HashMap<>();
        try (GenerativeModel base = GenerativeModel.load(model, Device.cpu(), ComputeType.FP32)) {
            VersionAssembler assembler = VersionAssembler.of(WIRE, new BaseTensors(base));
            try (ParameterFeed feed =
                    ParameterFeed.open(new ParameterTopic(client(), topics.parameters()), assembler)) {
                assertThat(feed.catchUp()).isTrue();
                assembler.version().getTensors().forEach(tensor -> tensors.put(tensor.getTensor(), tensor));
            }
        }
        return tensors;
    }

    private static ParameterSlice base(String tensor) {
        try (GenerativeModel base = GenerativeModel.load(model, Device.cpu(), ComputeType.FP32)) {
            return new BaseTensors(base).apply(tensor);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static ByteBuffer row(ParameterSlice tensor, int row) {
        int bytes = tensor.getData().remaining() / (int) (long) tensor.getRowCount();
        return tensor.getData().slice(row * bytes, bytes);
    }

    private CommandLineRun run(Object... args) {
        return CommandLineRun.of(Stream.concat(
                        Stream.of(args),
                        Stream.of("--bootstrap-servers", kafka.bootstrapServers(), "--topic-prefix", prefix))
                .toArray());
    }

    private static Map<String, String> client() {
        return Map.of("bootstrap.servers", kafka.bootstrapServers());
    }
}
