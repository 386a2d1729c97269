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
import java.time.Instant;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.common.KafkaException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** {@code /api/cancel}, to which a page posts {@code {"requestId": "..."}}: every generator is told. */
final class CancelRequests implements HttpHandler {

    static final String PATH = "/api/cancel";

    private static final Logger LOG = LoggerFactory.getLogger(CancelRequests.class);

    private static final int MOST_BYTES = 4 << 10;

    private final Outbox outbox;
    private final String topic;
    private final AvroCodec<GenerationControl> codec;
    private final JsonMapper json = new JsonMapper();

    CancelRequests(Outbox outbox, String topic, WireFormat format) {
        this.outbox = outbox;
        this.topic = topic;
        codec = new AvroCodec<>(GenerationControl.class, format);
    }

    @Override
    public void handle(HttpExchange exchange) throws IOException {
        byte[] body = BoundedBody.read(exchange, MOST_BYTES);
        String id = body == null ? null : requestId(body);
        if (id == null) {
            Answer.text(exchange, 400, "expected {\"requestId\": \"...\"} in at most %d bytes\n".formatted(MOST_BYTES));
            return;
        }
        try {
            outbox.send(topic, id, codec.encode(new GenerationControl(id, ControlAction.CANCEL, Instant.now())));
            String answer = json.createObjectNode().put("requestId", id).toString();
            Answer.send(exchange, 202, Answer.JSON, "no-store", answer.getBytes(StandardCharsets.UTF_8));
        } catch (TimeoutException | KafkaException | RegistryException e) {
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
}
