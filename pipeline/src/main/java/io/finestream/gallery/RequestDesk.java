package io.finestream.gallery;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import io.finestream.flink.RequestException;
import io.finestream.schemas.GenerationRequest;
import io.finestream.schemas.ReasonCode;
import io.finestream.schemas.wire.AvroCodec;
import io.finestream.schemas.wire.RegistryException;
import io.finestream.schemas.wire.WireFormat;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.common.KafkaException;

/**
 * {@code POST /requests}: takes what {@link AskedImages} says, holds it to the model's rules and sends it to Kafka. The
 * answer is JSON: {@code requestId}, {@code seed} and {@code count}, or {@code error} and its {@code code}.
 */
final class RequestDesk implements HttpHandler {

    static final String PATH = "/requests";

    private static final int MAX_BYTES = 16 << 10;

    private final Outbox outbox;
    private final String topic;
    private final AvroCodec<GenerationRequest> codec;
    private final ModelClasses classes;
    private final JsonMapper json = new JsonMapper();

    RequestDesk(Outbox outbox, String topic, WireFormat format, ModelClasses classes) {
        this.outbox = outbox;
        this.topic = topic;
        codec = new AvroCodec<>(GenerationRequest.class, format);
        this.classes = classes;
    }

    @Override
    public void handle(HttpExchange exchange) throws IOException {
        if (!exchange.getRequestURI().getPath().equals(PATH)) {
            Answer.notFound(exchange);
            return;
        }
        byte[] body = BoundedBody.read(exchange, MAX_BYTES);
        if (body == null) {
            refuse(exchange, 413, "TOO_LARGE", "a request has at most %d bytes".formatted(MAX_BYTES));
            return;
        }
        try {
            GenerationRequest request = AskedImages.read(body).toRequest();
            classes.check(request);
            outbox.send(topic, request.getRequestId(), codec.encode(request));
            ObjectNode answer = json.createObjectNode()
                    .put("requestId", request.getRequestId())
                    .put("seed", Long.toString(request.getSeed())) // JavaScript would round it
                    .put("count", request.getCount());
            answer(exchange, 202, answer);
        } catch (IllegalArgumentException e) {
            refuse(exchange, 400, ReasonCode.INVALID.name(), String.valueOf(e.getMessage()));
        } catch (RequestException e) {
            refuse(exchange, 400, e.code().name(), String.valueOf(e.getMessage()));
        } catch (KafkaException | RegistryException | TimeoutException e) {
            refuse(exchange, 503, "NO_KAFKA", "Kafka did not take the request: %s".formatted(e.getMessage()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // the gallery closes
        }
    }

    private void refuse(HttpExchange exchange, int status, String code, String error) throws IOException {
        answer(exchange, status, json.createObjectNode().put("error", error).put("code", code));
    }

    private static void answer(HttpExchange exchange, int status, ObjectNode answer) throws IOException {
        Answer.send(exchange, status, Answer.JSON, "no-store", answer.toString().getBytes(StandardCharsets.UTF_8));
    }
}
