package io.finestream.gallery;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import io.finestream.schemas.ControlAction;
import io.finestream.schemas.GenerationControl;
import io.finestream.schemas.wire.AvroCodec;
import io.finestream.schemas.wire.RegistryException;
import io.finestream.schemas.wire.WireFormat;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** {@code /api/cancel}, to which a page posts {@code {"requestId": "..."}}: every generator is told. */
final class CancelRequests implements HttpHandler, AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(CancelRequests.class);

    private static final int MOST_BYTES = 4 << 10;
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final Map<String, Object> properties;
    private final String topic;
    private final AvroCodec<GenerationControl> codec;
    private final JsonMapper json = new JsonMapper();
    private @Nullable KafkaProducer<byte[], byte[]> producer;
    private boolean closed;

    CancelRequests(Map<String, Object> clientProperties, String topic, WireFormat format) {
        properties = new HashMap<>(clientProperties);
        properties.put(ProducerConfig.MAX_BLOCK_MS_CONFIG, PATIENCE.toMillis());
        this.topic = topic;
        codec = new AvroCodec<>(GenerationControl.class, format);
    }

    @Override
    public void handle(HttpExchange exchange) throws IOException {
        byte[] body = exchange.getRequestBody().readNBytes(MOST_BYTES + 1);
        String id = body.length > MOST_BYTES ? null : requestId(body);
        if (id == null) {
            Answer.text(exchange, 400, "expected {\"requestId\": \"...\"} in at most %d bytes\n".formatted(MOST_BYTES));
            return;
        }
        try {
            send(id);
            String answer = json.createObjectNode().put("requestId", id).toString();
            Answer.send(exchange, 202, "application/json", "no-store", answer.getBytes(StandardCharsets.UTF_8));
        } catch (ExecutionException | TimeoutException | KafkaException | RegistryException e) {
            LOG.warn("the cancellation of {} can not be sent", id, e);
            Answer.text(exchange, 503, "Kafka does not take the cancellation; try again\n");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            Answer.text(exchange, 503, "the gallery is being closed\n");
        }
    }

    private @Nullable String requestId(byte[] body) throws IOException {
        try {
            JsonNode id = json.readTree(body).path("requestId");
            return id.isTextual() && !id.textValue().isBlank() ? id.textValue() : null;
        } catch (JsonProcessingException e) {
            return null;
        }
    }

    private void send(String id) throws ExecutionException, TimeoutException, InterruptedException {
        byte[] cancel = codec.encode(new GenerationControl(id, ControlAction.CANCEL, Instant.now()));
        producer()
                .send(new ProducerRecord<>(topic, id.getBytes(StandardCharsets.UTF_8), cancel))
                .get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** Made when it is needed: the gallery starts without Kafka. */
    private synchronized KafkaProducer<byte[], byte[]> producer() {
        if (closed) {
            throw new KafkaException("the gallery is closed");
        }
        if (producer == null) {
            producer = new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
        }
        return producer;
    }

    @Override
    public synchronized void close() {
        closed = true;
        if (producer != null) {
            producer.close(Duration.ZERO);
        }
    }
}
