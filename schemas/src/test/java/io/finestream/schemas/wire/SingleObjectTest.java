package io.finestream.schemas.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.finestream.schemas.GeneratedImage;
import io.finestream.schemas.GenerationRequest;
import io.finestream.schemas.SamplerName;
import io.finestream.schemas.Trajectory;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.apache.avro.SchemaNormalization;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.generic.GenericRecordBuilder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.message.BinaryMessageDecoder;
import org.apache.avro.message.BinaryMessageEncoder;
import org.apache.avro.specific.SpecificData;
import org.apache.avro.specific.SpecificDatumWriter;
import org.junit.jupiter.api.Test;

class SingleObjectTest {
    private final WireFormat format = new WireFormat.SingleObject();
    private final AvroCodec<GenerationRequest> requests = new AvroCodec<>(GenerationRequest.class, format);
    private final AvroCodec<Trajectory> trajectories = new AvroCodec<>(Trajectory.class, format);
    private final AvroCodec<GeneratedImage> images = new AvroCodec<>(GeneratedImage.class, format);

    @Test
    void recordsComeBackAsTheyWent() throws WireFormatException {
        assertThat(requests.decode(requests.encode(Records.request()))).isEqualTo(Records.request());
        assertThat(trajectories.decode(trajectories.encode(Records.trajectory())))
                .isEqualTo(Records.trajectory());
        assertThat(images.decode(images.encode(Records.image()))).isEqualTo(Records.image());
    }

    @Test
    void avrosOwnCodecReadsAndWritesTheSameBytes() throws Exception {
        SpecificData model = SpecificData.getForClass(GenerationRequest.class);
        ByteBuffer avros =
                new BinaryMessageEncoder<GenerationRequest>(model, GenerationRequest.SCHEMA$).encode(Records.request());

        assertThat(ByteBuffer.wrap(requests.encode(Records.request()))).isEqualTo(avros);
        assertThat(new BinaryMessageDecoder<GenerationRequest>(model, GenerationRequest.SCHEMA$)
                        .decode(requests.encode(Records.request())))
                .isEqualTo(Records.request());
    }

    /** Other languages write collections in blocks that start with their size; Avro's Java encoder does so on demand. */
    @Test
    void collectionsInSizedBlocksAreRead() throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(Arrays.copyOf(trajectories.encode(Records.trajectory()), 10));
        BinaryEncoder encoder = new EncoderFactory().configureBlockSize(64).blockingBinaryEncoder(out, null);
        new SpecificDatumWriter<>(Trajectory.class).write(Records.trajectory(), encoder);
        encoder.flush();

        assertThat(trajectories.decode(out.toByteArray())).isEqualTo(Records.trajectory());
    }

    @Test
    void aWriterWithFewerMoreAndUnknownThingsIsRead() throws WireFormatException {
        Schema sampler =
                SchemaBuilder.enumeration("io.finestream.schemas.SamplerName").symbols("DDPM", "HEUN");
        Schema writer = SchemaBuilder.record("io.finestream.schemas.GenerationRequest")
                .fields()
                .requiredInt("steps")
                .name("mood")
                .type()
                .array()
                .items()
                .stringType()
                .noDefault()
                .name("sampler")
                .type(sampler)
                .noDefault()
                .optionalString("subclass")
                .requiredDouble("weight")
                .endRecord();
        byte[] message = Records.written(
                header(writer),
                writer,
                new GenericRecordBuilder(writer)
                        .set("steps", 7)
                        .set("mood", List.of("calm", "blue"))
                        .set("sampler", new GenericData.EnumSymbol(sampler, "HEUN"))
                        .set("subclass", "robin")
                        .set("weight", 0.5)
                        .build());
        AvroCodec<GenerationRequest> codec =
                new AvroCodec<>(GenerationRequest.class, new WireFormat.SingleObject(List.of(writer.toString())));

        assertThat(codec.decode(message))
                .isEqualTo(GenerationRequest.newBuilder()
                        .setSubclass("robin")
                        .setSteps(7)
                        .setSampler(SamplerName.DDIM)
                        .build());
    }

    /** The first version of the schema knew neither the sampler nor the respacing. */
    @Test
    void anOlderReaderTakesANewSamplerForDdim() throws IOException {
        GenerationRequest request = Records.request();
        request.setSampler(SamplerName.DPM_SOLVER_PP);
        byte[] message = requests.encode(request);
        Schema first = SchemaHistory.of(GenerationRequest.SCHEMA$).get(0);
        GenericRecord read = new GenericDatumReader<GenericRecord>(GenerationRequest.SCHEMA$, first)
                .read(null, DecoderFactory.get().binaryDecoder(message, 10, message.length - 10, null));

        assertThat(read.get("sampler")).hasToString("DDIM");
        assertThat(read.get("steps")).isEqualTo(request.getSteps());
    }

    @Test
    void aRequestOfTheFirstVersionIsRead() throws WireFormatException {
        Schema first = SchemaHistory.of(GenerationRequest.SCHEMA$).get(0);
        GenericRecord written = new GenericRecordBuilder(first)
                .set("subclass", "robin")
                .set(
                        "sampler",
                        new GenericData.EnumSymbol(first.getField("sampler").schema(), "DDPM"))
                .build();

        assertThat(requests.decode(Records.written(header(first), first, written)))
                .isEqualTo(GenerationRequest.newBuilder()
                        .setSubclass("robin")
                        .setSampler(SamplerName.DDPM)
                        .build());
    }

    @Test
    void aWriterThatCannotBeResolvedIsRefused() {
        Schema writer = SchemaBuilder.record("io.finestream.schemas.GenerationRequest")
                .fields()
                .requiredString("steps")
                .endRecord();
        byte[] message = Records.written(
                header(writer),
                writer,
                new GenericRecordBuilder(writer).set("steps", "many").build());
        AvroCodec<GenerationRequest> codec =
                new AvroCodec<>(GenerationRequest.class, new WireFormat.SingleObject(List.of(writer.toString())));

        assertThatThrownBy(() -> codec.decode(message))
                .isInstanceOf(WireFormatException.class)
                .hasMessageContaining("not a readable GenerationRequest")
                .hasMessageContaining("Found string, expecting int");
    }

    /** {@code Probe} has two committed versions among the test's resources. */
    @Test
    void committedPredecessorsAreKnown() throws WireFormatException {
        Schema current = SchemaBuilder.record("io.finestream.schemas.Probe")
                .fields()
                .requiredInt("a")
                .name("c")
                .type()
                .intType()
                .intDefault(0)
                .endRecord();
        FingerprintHeader header = new FingerprintHeader(current, List.of());

        for (Schema predecessor : SchemaHistory.of(current)) {
            assertThat(header.writerOf(header(predecessor))).isEqualTo(predecessor);
        }
        assertThat(SchemaHistory.of(current)).hasSize(2);
        assertThat(header.writerOf(header(current))).isSameAs(current);
    }

    @Test
    void theHistoryIsAmongTheResources() {
        assertThat(SchemaHistory.of(Trajectory.SCHEMA$)).isNotEmpty();
    }

    @Test
    void poisonIsRefusedWithAReason() {
        byte[] good = requests.encode(Records.request());

        assertRefused(new byte[0], "the message is empty, expected c3 01 (Avro single-object encoding)");
        assertRefused(new byte[] {(byte) 0xC3}, "has 1 bytes, expected at least the 10 of the header");
        assertRefused(
                "{\"subclass\":\"robin\"}".getBytes(StandardCharsets.UTF_8),
                "starts with 7b 22, expected c3 01 (Avro single-object encoding): is the producer sending JSON?");
        assertRefused(new byte[] {0, 0, 0, 0, 7, 2}, "starts with 00 00", "set schema.registry.url");
        assertRefused(new byte[] {42}, "starts with 2a, expected c3 01", "wrong topic");
        assertRefused(
                images.encode(Records.image()),
                "schema fingerprint 0x",
                "is not known for io.finestream.schemas.GenerationRequest; known are 0x",
                "add the writer's .avsc to writer.schemas");
        assertRefused(
                Arrays.copyOf(good, good.length - 1), "not a readable GenerationRequest", "1 more bytes expected");
        assertRefused(Arrays.copyOf(good, 10), "at byte 10 of 10", "1 more bytes expected, 0 left");
        assertRefused(Arrays.copyOf(good, good.length + 2), "has 2 bytes after the end of the GenerationRequest");
    }

    @Test
    void aLengthTheMessageCannotHoldIsNotAllocated() {
        byte[] header = Arrays.copyOf(requests.encode(Records.request()), 10);
        byte[] twoGigabytes = {(byte) 0xFE, (byte) 0xFF, (byte) 0xFF, (byte) 0xFF, 0x0F};
        ByteBuffer message = ByteBuffer.allocate(15).put(header).put(twoGigabytes);

        assertRefused(message.array(), "2147483647 more bytes expected, 0 left");
    }

    /** Flips bytes of good messages: whatever comes of it, it is a record or a {@link WireFormatException}. */
    @Test
    void noPoisonGetsThroughAsAnythingElse() {
        Random random = new Random(1);
        Trajectory small = Records.trajectory();
        small.setLatent(ByteBuffer.allocate(4));
        byte[] good = trajectories.encode(small);
        int refused = 0;
        for (int i = 0; i < 50_000; i++) {
            byte[] bad = Arrays.copyOf(good, good.length - random.nextInt(3));
            for (int flips = 1 + random.nextInt(3); flips > 0; flips--) {
                bad[10 + random.nextInt(bad.length - 10)] = (byte) random.nextInt(256);
            }
            try {
                trajectories.decode(bad);
            } catch (WireFormatException e) {
                refused++;
            }
        }
        assertThat(refused).isBetween(1, 50_000);
    }

    @Test
    void recordsOfOneTopicAreToldApart() {
        assertThat(requests.holds(requests.encode(Records.request()))).isTrue();
        assertThat(requests.holds(images.encode(Records.image()))).isFalse();
        assertThat(requests.holds(new byte[3])).isFalse();
    }

    @Test
    void anIncompleteRecordIsNotWritten() throws WireFormatException {
        GenerationRequest incomplete = Records.request();
        incomplete.setSampler(null);

        assertThatThrownBy(() -> requests.encode(incomplete))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("not a complete GenerationRequest")
                .hasMessageContaining("sampler");
        assertThat(requests.decode(requests.encode(Records.request()))).isEqualTo(Records.request());
    }

    @Test
    void oneCodecServesSeveralThreads() {
        assertThat(IntStream.range(0, 2_000).parallel().mapToObj(i -> {
                    GenerationRequest request = Records.request();
                    request.setSeed(i);
                    try {
                        return requests.decode(requests.encode(request)).getSeed() == i;
                    } catch (WireFormatException e) {
                        throw new AssertionError(e);
                    }
                }))
                .containsOnly(true);
    }

    @Test
    void noPropertiesMeanSingleObject() {
        assertThat(WireFormat.of(Map.of())).isEqualTo(new WireFormat.SingleObject());
        assertThatThrownBy(() -> WireFormat.of(Map.of("basic.auth.user.info", "me:secret")))
                .hasMessage("[basic.auth.user.info] without schema.registry.url: expected only writer.schemas");
        assertThatThrownBy(() -> WireFormat.of(Map.of("writer.schemas", "no/such.avsc")))
                .hasMessageContaining("writer.schemas names no/such.avsc, which cannot be read");
    }

    private void assertRefused(byte[] message, String... parts) {
        assertThatThrownBy(() -> requests.decode(message))
                .isInstanceOf(WireFormatException.class)
                .hasMessageContainingAll(parts);
    }

    private static byte[] header(Schema schema) {
        return ByteBuffer.allocate(10)
                .order(ByteOrder.LITTLE_ENDIAN)
                .put((byte) 0xC3)
                .put((byte) 1)
                .putLong(SchemaNormalization.parsingFingerprint64(schema))
                .array();
    }
}
