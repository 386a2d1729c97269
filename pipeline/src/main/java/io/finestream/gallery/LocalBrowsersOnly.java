package io.finestream.gallery;

import com.sun.net.httpserver.Filter;
import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Stands before every page: reading only, for browsers that came here by this machine's own name. */
final class LocalBrowsersOnly extends Filter {

    private static final Set<String> METHODS = Set.of("GET", "HEAD");
    private static final Set<String> NAMES = Set.of("127.0.0.1", "localhost");

    @Override
    public String description() {
        return "GET and HEAD by local names";
    }

    @Override
    public void doFilter(HttpExchange exchange, Chain chain) throws IOException {
        Headers headers = exchange.getResponseHeaders();
        headers.set(
                "Content-Security-Policy",
                "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
        headers.set("X-Content-Type-Options", "nosniff");
        headers.set("Cross-Origin-Resource-Policy", "same-origin");
        headers.set("Referrer-Policy", "no-referrer");
        if (!isLocal(exchange.getRequestHeaders().getFirst("Host"))) {
            Answer.text(exchange, 403, "open this page as http://127.0.0.1 or http://localhost with its port\n");
        } else if (!METHODS.contains(exchange.getRequestMethod())) {
            headers.set("Allow", "GET, HEAD");
            Answer.text(exchange, 405, "this page is for reading: GET and HEAD only\n");
        } else {
            chain.doFilter(exchange);
        }
    }

    /**
     * DNS rebinding makes a foreign name point here, so the name decides; the port is free, because a tunnel may bring the
     * browser here through another one.
     */
    private static boolean isLocal(@Nullable String host) {
        if (host == null) {
            return false;
        }
        int colon = host.indexOf(':');
        String name = colon < 0 ? host : host.substring(0, colon);
        return NAMES.contains(name.toLowerCase(Locale.ROOT));
    }
}
