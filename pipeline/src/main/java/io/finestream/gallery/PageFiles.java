package io.finestream.gallery;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import java.io.IOException;
import java.io.InputStream;
import java.util.Map;

/** The pages themselves, and what they load: the files from one folder of the class path. */
final class PageFiles implements HttpHandler {

    private static final String FILE = "/[a-z0-9-]+\\.[a-z]+"; // a name, and no way out of the folder
    private static final Map<String, String> TYPES = Map.of(
            "html", "text/html; charset=utf-8",
            "css", "text/css; charset=utf-8",
            "js", "text/javascript; charset=utf-8",
            "svg", "image/svg+xml");

    @Override
    public void handle(HttpExchange exchange) throws IOException {
        String path = exchange.getRequestURI().getPath();
        String file = path.equals("/") ? "/index.html" : path;
        String type = file.matches(FILE) ? TYPES.get(file.substring(file.indexOf('.') + 1)) : null;
        try (InputStream in = type == null ? null : PageFiles.class.getResourceAsStream(file.substring(1))) {
            if (type == null || in == null) {
                Answer.notFound(exchange);
            } else {
                Answer.send(exchange, 200, type, "no-cache", in.readAllBytes());
            }
        }
    }
}
