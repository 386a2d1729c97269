package io.finestream.schemas.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.finestream.schemas.GeneratedImage;
import io.finestream.schemas.GenerationRequest;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.SchemaBuilder;
import org.apache.avro.generic.GenericRecordBuilder;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ConfluentTest {
    private final InMemoryRegistry registry;

    ConfluentTest() throws IOException {
        registry = new InMemoryRegistry();
    }

    @AfterEach
    void close() {
        registry.close();
    }

    @Test
    void recordsComeBackAsTheyWent() throws WireFormatException {
        byte[] message = requests().encode(Records.request());

        assertThat(Arrays.copyOf(message, 5)).containsExactly(0, 0, 0, 0, 1);
        assertThat(requests().decode(message)).isEqualTo(Records.request());
        assertThat(registry.requests)
                .containsExactly(
                        "POST /subjects/io.finestream.schemas.GenerationRequest/versions", "GET /schemas/ids/1");
    }

    @Test
    void theRegistryIsAskedOncePerSchema() throws WireFormatException {
        AvroCodec<GenerationRequest> codec = requests();
        for (int i = 0; i < 100; i++) {
            codec.decode(codec.encode(Records.request()));
        }
        assertThat(registry.requests).hasSize(2);
    }

    @Test
    void aWriterWithFewerAndMoreFieldsIsRead() throws WireFormatException {
        Schema writer = SchemaBuilder.record("io.finestream.schemas.GenerationRequest")
                .fields()
                .requiredString("mood")
                .optionalString("subclass")
                .endRecord();
        byte[] message = Records.written(
                header(registry.register(writer)),
                writer,
                new GenericRecordBuilder(writer)
                        .set("mood", "calm")
                        .set("subclass", "robin")
                        .build());

        assertThat(requests().decode(message))
                .isEqualTo(GenerationRequest.newBuilder().setSubclass("robin").build());
    }

    @Test
    void poisonIsRefusedWithAReason() {
        byte[] good = requests().encode(Records.request());

        assertRefused(new byte[0], "the message is empty, expected 00 (Confluent's wire format)");
        assertRefused(new byte[] {0}, "has 1 bytes, expected at least the 5 of the header");
        assertRefused("[1]".getBytes(StandardCharsets.UTF_8), "starts with 5b 31", "is the producer sending JSON?");
        assertRefused(new byte[] {(byte) 0xC3, 1, 0}, "starts with c3 01", "unset schema.registry.url");
        assertRefused(header(99), "schema id 99 is not known to the registry at " + registry.url());
        assertRefused(Arrays.copyOf(good, good.length - 1), "not a readable GenerationRequest");
        assertRefused(Arrays.copyOf(good, good.length + 1), "has 1 bytes after the end");
    }

    @Test
    void recordsOfOneTopicAreToldApart() {
        byte[] image = new AvroCodec<>(GeneratedImage.class, format()).encode(Records.image());

        assertThat(requests().holds(image)).isFalse();
        assertThat(requests().holds(requests().encode(Records.request()))).isTrue();
        assertRefused(
                image,
                "holds a io.finestream.schemas.GeneratedImage, expected a io.finestream.schemas.GenerationRequest");
    }

    @Test
    void credentialsAreSent() throws WireFormatException {
        registry.require("Bearer t0ken");
        WireFormat bearer =
                WireFormat.of(Map.of("schema.registry.url", registry.url().toString(), "bearer.auth.token", "t0ken"));
        byte[] message = new AvroCodec<>(GenerationRequest.class, bearer).encode(Records.request());

        registry.require("Basic " + Base64.getEncoder().encodeToString("me:secret".getBytes(StandardCharsets.UTF_8)));
        WireFormat basic =
                WireFormat.of(Map.of("schema.registry.url", registry.url() + "/", "basic.auth.user.info", "me:secret"));
        assertThat(new AvroCodec<>(GenerationRequest.class, basic).decode(message))
                .isEqualTo(Records.request());
        assertThat(basic).asString().doesNotContain("secret", "Basic");
    }

    @Test
    void aRefusalNamesUrlStatusAndRemedy() {
        registry.require("Bearer t0ken");
        assertThatThrownBy(() -> requests().encode(Records.request()))
                .isInstanceOf(RegistryException.class)
                .hasMessageContainingAll(
                        "POST " + registry.url() + "/subjects/io.finestream.schemas.GenerationRequest/versions",
                        "answered 401",
                        "set basic.auth.user.info or bearer.auth.token");
    }

    @Test
    void aWrongPathIsTheConfigurationsFaultNotTheMessages() {
        WireFormat wrong = new WireFormat.Confluent(URI.create(registry.url() + "/apis"));
        assertThatThrownBy(() -> new AvroCodec<>(GenerationRequest.class, wrong).decode(header(1)))
                .isInstanceOf(RegistryException.class)
                .hasMessageContainingAll("answered 404", "/apis/schemas/ids/1", "/apis/ccompat/v7");
    }

    @Test
    void aRegistryThatIsDownIsNotTheMessagesFault() {
        WireFormat format = format();
        registry.close();
        assertThatThrownBy(() -> new AvroCodec<>(GenerationRequest.class, format).decode(header(1)))
                .isInstanceOf(RegistryException.class)
                .hasMessageContainingAll(registry.url() + "/schemas/ids/1", "is the registry up");
    }

    @Test
    void aRegistryThatDoesNotAnswerIsGivenUp() throws IOException {
        try (ServerSocket silent = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            WireFormat format = new WireFormat.Confluent(
                    URI.create("http://127.0.0.1:" + silent.getLocalPort()), Duration.ofMillis(200), null);
            assertThatThrownBy(() -> new AvroCodec<>(GenerationRequest.class, format).decode(header(1)))
                    .isInstanceOf(RegistryException.class)
                    .hasMessageContaining("got no answer within PT0.2S");
        }
    }

    @Test
    void propertiesAreChecked() {
        assertThatThrownBy(() -> WireFormat.of(Map.of("schema.registry.url", "localhost:8081")))
                .hasMessageContaining("schema.registry.url is localhost:8081, expected one http or https URL");
        assertThatThrownBy(() ->
                        WireFormat.of(Map.of("schema.registry.url", "http://a", "schema.registry.timeout.ms", "soon")))
                .hasMessageContaining("schema.registry.timeout.ms is soon, expected whole milliseconds");
        assertThatThrownBy(() -> WireFormat.of(Map.of("schema.registry.url", "http://a", "schema.registry.ur1", "")))
                .hasMessageContaining("[schema.registry.ur1] with schema.registry.url");
    }

    @Test
    void theConfigurationTravelsWithAJob() throws Exception {
        WireFormat format = new WireFormat.Confluent(registry.url(), Duration.ofSeconds(1), "Bearer t0ken");
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        new ObjectOutputStream(bytes).writeObject(format);

        assertThat(new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray())).readObject())
                .isEqualTo(format);
    }

    private WireFormat format() {
        return new WireFormat.Confluent(registry.url());
    }

    private AvroCodec<GenerationRequest> requests() {
        return new AvroCodec<>(GenerationRequest.class, format());
    }

    private void assertRefused(byte[] message, String... parts) {
        assertThatThrownBy(() -> requests().decode(message))
                .isInstanceOf(WireFormatException.class)
                .hasMessageContainingAll(parts);
    }

    private static byte[] header(int id) {
        return ByteBuffer.allocate(5).put((byte) 0).putInt(id).array();
    }
}
