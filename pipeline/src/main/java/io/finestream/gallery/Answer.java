package io.finestream.gallery;

import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** Complete answers to one request. */
final class Answer {

    static final String JSON = "application/json";

    private static final int NO_BODY = -1;

    private Answer() {}

    static void text(HttpExchange exchange, int status, String text) throws IOException {
        send(exchange, status, "text/plain; charset=utf-8", "no-store", text.getBytes(StandardCharsets.UTF_8));
    }

    static void notFound(HttpExchange exchange) throws IOException {
        text(exchange, 404, "not here\n");
    }

    static void send(HttpExchange exchange, int status, String type, String cacheControl, byte[] body)
            throws IOException {
        exchange.getResponseHeaders().set("Content-Type", type);
        exchange.getResponseHeaders().set("Cache-Control", cacheControl);
        try (exchange) {
            if (exchange.getRequestMethod().equals("HEAD")) {
                exchange.getResponseHeaders().set("Content-Length", Integer.toString(body.length));
                exchange.sendResponseHeaders(status, NO_BODY);
            } else {
                exchange.sendResponseHeaders(status, body.length == 0 ? NO_BODY : body.length);
                exchange.getResponseBody().write(body);
            }
        }
    }
}
