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
 * {@code /events}, server-sent: {@code about} once, then an {@code image} for each one the browser does not have yet,
 * {@code progress} of requests that want it told, and a {@code status} every second. A browser reads at its own pace; one that falls behind misses the images in between.
 */
final class EventStream implements HttpHandler {

    private static final int MAX_BROWSERS = 32; // each holds a thread
    private static final Duration STATUS_EVERY = Duration.ofSeconds(1);
    private static final Duration PROGRESS_EVERY = Duration.ofMillis(200);

    private final LiveView view;
    private final String about;
    private final Semaphore places = new Semaphore(MAX_BROWSERS);

    EventStream(LiveView view, String about) {
        this.view = view;
        this.about = about;
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
        write(out, "event: about\ndata: %s\n\n".formatted(about));
        long lastEvent = view.events().newest();
        long statusDue = System.nanoTime();
        Duration wait = Duration.ZERO;
        while (!view.images().isClosed()) {
            List<RecentImages.Shown> images = view.images().after(last, wait);
            for (RecentImages.Shown image : images) {
                last = image.number();
                write(out, "id: %d\nevent: image\ndata: %s\n\n".formatted(last, image.details()));
            }
            for (RecentEvents.Told event : view.events().after(lastEvent)) {
                lastEvent = event.number();
                write(out, "event: progress\ndata: %s\n\n".formatted(event.details()));
            }
            if (System.nanoTime() - statusDue >= 0) {
                write(out, "event: status\ndata: %s\n\n".formatted(view.status()));
                statusDue = System.nanoTime() + STATUS_EVERY.toNanos();
            }
            out.flush();
            long untilStatus = Math.max(0, statusDue - System.nanoTime());
            wait = Duration.ofNanos(Math.min(untilStatus, PROGRESS_EVERY.toNanos()));
        }
    }

    private static void write(OutputStream out, String event) throws IOException {
        out.write(event.getBytes(StandardCharsets.UTF_8));
    }

    private static long numberOf(@Nullable String lastEventId) {
        return lastEventId != null && lastEventId.matches("[0-9]{1,18}") ? Long.parseLong(lastEventId) : -1;
    }
}
