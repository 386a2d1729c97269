package io.finestream.gallery;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** Answers to what the page asked for: an object with one field, {@code error} if it was refused. */
final class JsonAnswer {

    private static final JsonMapper JSON = new JsonMapper();

    private JsonAnswer() {}

    static void created(HttpExchange exchange, String name, Object value) throws IOException {
        send(exchange, 201, name, value);
    }

    static void refused(HttpExchange exchange, Refusal refusal) throws IOException {
        send(exchange, refusal.status(), "error", String.valueOf(refusal.getMessage()));
    }

    private static void send(HttpExchange exchange, int status, String name, Object value) throws IOException {
        String body = JSON.writeValueAsString(Map.of(name, value));
        Answer.send(exchange, status, Answer.JSON, "no-store", body.getBytes(StandardCharsets.UTF_8));
    }
}
