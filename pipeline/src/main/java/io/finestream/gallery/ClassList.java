package io.finestream.gallery;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;

/** {@code /classes.json}: the taxonomy for the form's search, packed for browsers that unpack. */
final class ClassList implements HttpHandler {

    private final ModelClasses classes;

    ClassList(ModelClasses classes) {
        this.classes = classes;
    }

    @Override
    public void handle(HttpExchange exchange) throws IOException {
        byte[] list = classes.toJson().getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Vary", "Accept-Encoding");
        if (takesGzip(exchange.getRequestHeaders().getFirst("Accept-Encoding"))) {
            exchange.getResponseHeaders().set("Content-Encoding", "gzip");
            list = packed(list);
        }
        Answer.send(exchange, 200, Answer.JSON, "no-cache", list);
    }

    private static boolean takesGzip(@Nullable String accepted) {
        return accepted != null && accepted.toLowerCase(Locale.ROOT).contains("gzip");
    }

    private static byte[] packed(byte[] bytes) throws IOException {
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (OutputStream out = new GZIPOutputStream(packed)) {
            out.write(bytes);
        }
        return packed.toByteArray();
    }
}
