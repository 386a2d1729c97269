package io.finestream.gallery;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/**
 * Server-sent events, to a limited number of browsers. A browser reads at its own pace, and says by the number of the last
 * event that it has where it goes on.
 */
final class EventStream implements HttpHandler {

    /** What is sent to one browser, in a thread of its own. */
    interface Events {
        /** @param last number of the last event that the browser has; -1 if it has none */
        void send(Out out, long last) throws IOException, InterruptedException;
    }

    /** To one browser. */
    record Out(OutputStream body) {
        void event(String name, String data) throws IOException {
            write("event: %s\ndata: %s\n\n".formatted(name, data));
        }

        /** An event that the browser goes on after. */
        void event(long number, String name, String data) throws IOException {
            write("id: %d\nevent: %s\ndata: %s\n\n".formatted(number, name, data));
        }

        private void write(String event) throws IOException {
            body.write(event.getBytes(StandardCharsets.UTF_8));
        }

        void flush() throws IOException {
            body.flush();
        }
    }

    /** Between two {@code status} events, which show whether the browser is still there. */
    static final Duration STATUS_EVERY = Duration.ofSeconds(1);

    private static final int MAX_BROWSERS = 32; // each holds a thread

    private final Events events;
    private final Semaphore places = new Semaphore(MAX_BROWSERS);

    EventStream(Events events) {
        this.events = events;
    }

    @Override
    public void handle(HttpExchange exchange) throws IOException {
        if (exchange.getRequestMethod().equals("HEAD")) {
            Answer.send(exchange, 200, "text/event-stream", "no-store", new byte[0]);
        } else if (!places.tryAcquire()) {
            Answer.text(exchange, 503, "%d browsers are watching already; close one\n".formatted(MAX_BROWSERS));
        } else {
            try (exchange) {
                stream(exchange);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } finally {
                places.release();
            }
        }
    }

    private void stream(HttpExchange exchange) throws IOException, InterruptedException {
        long last = numberOf(exchange.getRequestHeaders().getFirst("Last-Event-ID"));
        exchange.getResponseHeaders().set("Content-Type", "text/event-stream");
        exchange.getResponseHeaders().set("Cache-Control", "no-store");
        exchange.sendResponseHeaders(200, 0); // length not known
        events.send(new Out(exchange.getResponseBody()), last);
    }

    private static long numberOf(@Nullable String lastEventId) {
        return lastEventId != null && lastEventId.matches("[0-9]{1,18}") ? Long.parseLong(lastEventId) : -1;
    }
}
