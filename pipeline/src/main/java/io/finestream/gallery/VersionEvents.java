package io.finestream.gallery;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/**
 * {@code /api/versions}, server-sent: {@code about} once, with the known classes, then a {@code version} for each one, again when more
 * is known about it, and a {@code status} every second.
 */
final class VersionEvents implements HttpHandler {

    static final String PATH = "/api/versions";

    private static final int MAX_BROWSERS = 32; // each holds a thread
    private static final Duration STATUS_EVERY = Duration.ofSeconds(1);

    private final VersionView view;
    private final Semaphore places = new Semaphore(MAX_BROWSERS);

    VersionEvents(VersionView view) {
        this.view = view;
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
        OutputStream out = exchange.getResponseBody();
        write(out, "event: about\ndata: %s\n\n".formatted(view.about()));
        Duration wait = Duration.ZERO;
        while (!view.isClosed()) {
            List<VersionView.Told> news = view.after(last, wait);
            for (VersionView.Told told : news) {
                last = told.number();
                write(out, "id: %d\nevent: version\ndata: %s\n\n".formatted(last, told.details()));
            }
            write(out, "event: status\ndata: {}\n\n"); // shows whether the browser is still there
            out.flush();
            wait = STATUS_EVERY;
        }
    }

    private static void write(OutputStream out, String event) throws IOException {
        out.write(event.getBytes(StandardCharsets.UTF_8));
    }

    private static long numberOf(@Nullable String lastEventId) {
        return lastEventId != null && lastEventId.matches("[0-9]{1,18}") ? Long.parseLong(lastEventId) : -1;
    }
}
