package io.finestream.gallery;

import com.sun.net.httpserver.Filter;
import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Stands before every page: reading only, or posting only, for browsers that came here by this machine's own name. What is
 * posted must come from this very page, not from another one that the browser shows.
 */
final class LocalBrowsersOnly extends Filter {

    private static final Set<String> NAMES = Set.of("127.0.0.1", "localhost");

    private final List<String> methods;

    private LocalBrowsersOnly(List<String> methods) {
        this.methods = methods;
    }

    static LocalBrowsersOnly reading() {
        return new LocalBrowsersOnly(List.of("GET", "HEAD"));
    }

    static LocalBrowsersOnly posting() {
        return new LocalBrowsersOnly(List.of("POST"));
    }

    @Override
    public String description() {
        return String.join(" and ", methods) + " by local names";
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
        String host = exchange.getRequestHeaders().getFirst("Host");
        if (!isLocal(host)) {
            Answer.text(exchange, 403, "open this page as http://127.0.0.1 or http://localhost with its port\n");
        } else if (!methods.contains(exchange.getRequestMethod())) {
            String allowed = String.join(", ", methods);
            headers.set("Allow", allowed);
            Answer.text(exchange, 405, "this address takes %s only\n".formatted(allowed));
        } else if (!isOwn(exchange.getRequestHeaders().getFirst("Origin"), host)) {
            Answer.text(exchange, 403, "another page sent this; open this one and do it there\n");
        } else {
            chain.doFilter(exchange);
        }
    }

    /** A browser says which page it posts from; whatever is no browser need not. */
    private static boolean isOwn(@Nullable String origin, @Nullable String host) {
        return origin == null || origin.equals("http://" + host) || origin.equals("https://" + host);
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
