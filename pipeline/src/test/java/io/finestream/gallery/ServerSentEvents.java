package io.finestream.gallery;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Reads {@code /events} as a browser does. The gallery sends a status every second, so no call waits for long. */
final class ServerSentEvents implements AutoCloseable {

    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private record Event(String type, JsonNode data) {}

    private final JsonMapper json = new JsonMapper();
    private final HttpResponse<InputStream> response;
    private final BufferedReader lines;
    private final List<String> seen = new ArrayList<>();

    ServerSentEvents(HttpClient browser, URI gallery, @Nullable String lastEventId) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(gallery.resolve("events"));
        if (lastEventId != null) {
            request.header("Last-Event-ID", lastEventId);
        }
        response = browser.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
        lines = new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8));
    }

    String contentType() {
        return response.headers().firstValue("Content-Type").orElse("");
    }

    JsonNode about() throws IOException {
        return next("about", data -> true);
    }

    /** The first image of the request that has not been read yet. */
    JsonNode image(String requestId) throws IOException {
        return next("image", data -> data.get("requestId").textValue().equals(requestId));
    }

    /** What is told next of the request. */
    JsonNode progress(String requestId) throws IOException {
        return next("progress", data -> data.get("requestId").textValue().equals(requestId));
    }

    JsonNode status(Predicate<JsonNode> expected) throws IOException {
        return next("status", expected);
    }

    /** Request ids of the images read so far. */
    List<String> seen() {
        return seen;
    }

    /** Whether the server closed the stream; reads on to see it. */
    boolean ended() {
        try {
            return lines.readLine() == null;
        } catch (IOException e) {
            return true;
        }
    }

    private JsonNode next(String type, Predicate<JsonNode> expected) throws IOException {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (System.nanoTime() < end) {
            Event event = read();
            if (event.type.equals("image")) {
                seen.add(event.data.get("requestId").textValue());
            }
            if (event.type.equals(type) && expected.test(event.data)) {
                return event.data;
            }
        }
        throw new AssertionError("no such %s within %s".formatted(type, PATIENCE));
    }

    private Event read() throws IOException {
        String type = "";
        JsonNode data = json.nullNode();
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            if (line.isEmpty()) {
                return new Event(type, data);
            }
            String value = line.substring(line.indexOf(':') + 2);
            switch (line.substring(0, line.indexOf(':'))) {
                case "event" -> type = value;
                case "data" -> data = json.readTree(value);
                case "id" -> {}
                default -> throw new AssertionError("not a line of an event: " + line);
            }
        }
        throw new AssertionError("the stream ended");
    }

    @Override
    public void close() throws IOException {
        lines.close();
    }
}
