package io.finestream.gallery;

import com.sun.net.httpserver.Filter;
import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Stands before every page. Without a token, for browsers only that came here by this machine's own name; with one, for
 * whoever has it: as {@code Authorization: Bearer TOKEN}, or as the cookie that {@code ?token=TOKEN} sets. A page of
 * another site can send nothing: what writes must be JSON, of this page's origin.
 */
final class Gatekeeper extends Filter {

    private static final Set<String> READING = Set.of("GET", "HEAD");
    private static final Set<String> NAMES = Set.of("127.0.0.1", "localhost");
    private static final String COOKIE = "finestream";
    private static final String QUERY = "token=";
    private static final String BEARER = "Bearer ";

    private final @Nullable String token;
    private final Set<String> methods;
    private final boolean jsonOnly;

    private Gatekeeper(@Nullable String token, Set<String> methods, boolean jsonOnly) {
        this.token = token;
        this.methods = methods;
        this.jsonOnly = jsonOnly;
    }

    static Gatekeeper forReading(@Nullable String token) {
        return new Gatekeeper(token, READING, false);
    }

    static Gatekeeper forWriting(@Nullable String token) {
        return new Gatekeeper(token, Set.of("POST"), true);
    }

    /** Takes bodies of any type; where they come from is told by the browser. */
    static Gatekeeper forUploads(@Nullable String token) {
        return new Gatekeeper(token, Set.of("POST"), false);
    }

    @Override
    public String description() {
        return String.join(" and ", new TreeSet<>(methods));
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
        Headers request = exchange.getRequestHeaders();
        String host = request.getFirst("Host");
        if (token == null && !isLocal(host)) {
            Answer.text(exchange, 403, "open this page as http://127.0.0.1 or http://localhost with its port\n");
        } else if (token != null && isToken(asked(exchange))) {
            headers.set("Set-Cookie", "%s=%s; Path=/; HttpOnly; SameSite=Lax".formatted(COOKIE, token));
            headers.set("Location", exchange.getRequestURI().getPath().replaceAll("^/+", "/"));
            Answer.text(exchange, 303, "");
        } else if (token != null && !isToken(carried(request))) {
            Answer.text(exchange, 401, "open this page with ?token=TOKEN, as the program printed it at its start\n");
        } else if (!methods.contains(exchange.getRequestMethod())) {
            headers.set("Allow", String.join(", ", new TreeSet<>(methods)));
            Answer.text(exchange, 405, "only %s here\n".formatted(description()));
        } else if (methods.equals(READING) || isOfThisPage(request, host)) {
            chain.doFilter(exchange);
        } else {
            Answer.text(
                    exchange,
                    403,
                    jsonOnly ? "only this page may send, as application/json\n" : "only this page may send\n");
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

    /** A browser sends JSON across origins only after asking, and tells where a page is from. */
    private boolean isOfThisPage(Headers request, @Nullable String host) {
        String type = request.getFirst("Content-Type");
        String origin = request.getFirst("Origin");
        boolean isJson = type != null && type.toLowerCase(Locale.ROOT).startsWith("application/json");
        return (isJson || !jsonOnly)
                && (origin == null || origin.equals("http://" + host) || origin.equals("https://" + host));
    }

    private boolean isToken(@Nullable String given) {
        return token != null
                && given != null
                && MessageDigest.isEqual(
                        token.getBytes(StandardCharsets.UTF_8), given.getBytes(StandardCharsets.UTF_8));
    }

    private static @Nullable String asked(HttpExchange exchange) {
        String query = exchange.getRequestURI().getQuery();
        return query != null && query.startsWith(QUERY) ? query.substring(QUERY.length()) : null;
    }

    private static @Nullable String carried(Headers request) {
        String authorization = request.getFirst("Authorization");
        if (authorization != null) {
            return authorization.startsWith(BEARER) ? authorization.substring(BEARER.length()) : null;
        }
        return request.getOrDefault("Cookie", List.of()).stream()
                .flatMap(cookies -> Arrays.stream(cookies.split(";", -1)))
                .map(String::strip)
                .filter(cookie -> cookie.startsWith(COOKIE + "="))
                .map(cookie -> cookie.substring(COOKIE.length() + 1))
                .findFirst()
                .orElse(null);
    }
}
