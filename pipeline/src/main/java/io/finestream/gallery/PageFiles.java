package io.finestream.gallery;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** The page itself: a few files from the class path, read once. */
final class PageFiles implements HttpHandler {

    private record PageFile(String type, String content) {
        static PageFile read(String name, String type) throws IOException {
            try (InputStream in = PageFiles.class.getResourceAsStream(name)) {
                if (in == null) {
                    throw new IOException("the resource %s is missing in this build; build it again".formatted(name));
                }
                return new PageFile(type, new String(in.readAllBytes(), StandardCharsets.UTF_8));
            }
        }
    }

    private final Map<String, PageFile> files;

    PageFiles() throws IOException {
        files = Map.of(
                "/", PageFile.read("index.html", "text/html; charset=utf-8"),
                "/gallery.css", PageFile.read("gallery.css", "text/css; charset=utf-8"),
                "/map.html", PageFile.read("map.html", "text/html; charset=utf-8"),
                "/map.css", PageFile.read("map.css", "text/css; charset=utf-8"),
                "/map.js", PageFile.read("map.js", "text/javascript; charset=utf-8"),
                "/gallery.js", PageFile.read("gallery.js", "text/javascript; charset=utf-8"),
                "/flower.svg", PageFile.read("flower.svg", "image/svg+xml"));
    }

    @Override
    public void handle(HttpExchange exchange) throws IOException {
        PageFile file = files.get(exchange.getRequestURI().getPath());
        if (file == null) {
            Answer.notFound(exchange);
        } else {
            Answer.send(exchange, 200, file.type, "no-cache", file.content.getBytes(StandardCharsets.UTF_8));
        }
    }
}
