package io.finestream.gallery;

import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** The body of a request, up to a size. */
final class BoundedBody {

    private BoundedBody() {}

    /** Null if it is larger; one that says so of itself is not read at all, and its connection is not used again. */
    static byte @Nullable [] read(HttpExchange exchange, int maxBytes) throws IOException {
        String length = exchange.getRequestHeaders().getFirst("Content-Length");
        boolean large = length != null && (length.length() > 18 || Long.parseLong(length) > maxBytes);
        byte[] body = large ? new byte[0] : exchange.getRequestBody().readNBytes(maxBytes + 1);
        if (large || body.length > maxBytes) {
            exchange.getResponseHeaders().set("Connection", "close");
            return null;
        }
        return body;
    }
}
