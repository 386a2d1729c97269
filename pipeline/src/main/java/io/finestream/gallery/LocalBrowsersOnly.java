package io.finestream.gallery;

import com.sun.net.httpserver.Filter;
import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Stands before every page: for browsers that came here by this machine's own name, and pages of this server alone. */
final class LocalBrowsersOnly extends Filter {

    private static final Set<String> NAMES = Set.of("127.0.0.1", "localhost");

    private final List<String> methods;

    LocalBrowsersOnly(List<String> methods) {
        this.methods = List.copyOf(methods);
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
                "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
        headers.set("X-Content-Type-Options", "nosniff");
        headers.set("Cross-Origin-Resource-Policy", "same-origin");
        headers.set("Referrer-Policy", "no-referrer");
        if (!isLocal(exchange.getRequestHeaders().getFirst("Host"))) {
            Answer.text(exchange, 403, "open this page as http://127.0.0.1 or http://localhost with its port\n");
        } else if (!methods.contains(exchange.getRequestMethod())) {
            headers.set("Allow", String.join(", ", methods));
            Answer.text(exchange, 405, "this address takes %s only\n".formatted(String.join(" and ", methods)));
        } else if (isFromElsewhere(exchange.getRequestHeaders())) {
            Answer.text(exchange, 403, "this is for the pages of this server\n");
        } else {
            chain.doFilter(exchange);
        }
    }

    /** Browsers say with every POST which page it is from. */
    private static boolean isFromElsewhere(Headers request) {
        String origin = request.getFirst("Origin");
        String host = request.getFirst("Host");
        return origin != null && !origin.equals("http://" + host) && !origin.equals("https://" + host);
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
