package io.finestream.gallery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.finestream.kafka.Topics;
import io.finestream.schemas.wire.WireFormat;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Who gets what by HTTP. There is no Kafka here: the page is served without. */
class GalleryAccessTest {

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final HttpClient BROWSER =
            HttpClient.newBuilder().connectTimeout(PATIENCE).build();

    private static ServerSocket silent; // accepts and never answers
    private static Gallery gallery;

    @BeforeAll
    static void start() throws Exception {
        silent = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        Map<String, Object> client = Map.of("bootstrap.servers", "127.0.0.1:" + silent.getLocalPort());
        gallery = Gallery.start(client, Topics.DEFAULT, new WireFormat.SingleObject(), 0, null);
    }

    @AfterAll
    static void close() throws Exception {
        gallery.close();
        silent.close();
    }

    @Test
    void thePageAllowsOnlyItsOwnFiles() throws Exception {
        HttpResponse<byte[]> page = get("");
        assertThat(page.statusCode()).isEqualTo(200);
        assertThat(page.headers().firstValue("Content-Security-Policy").orElseThrow())
                .startsWith("default-src 'self';");
        assertThat(page.headers().firstValue("X-Content-Type-Options")).hasValue("nosniff");
        assertThat(new String(page.body(), StandardCharsets.UTF_8)).doesNotContain("http:", "https:", "style=");
        assertThat(get("gallery.css").statusCode()).isEqualTo(200);
        assertThat(get("flower.svg").statusCode()).isEqualTo(200);
    }

    @Test
    void whatIsNotThereIsNotFound() throws Exception {
        assertThat(get("images/1").statusCode()).isEqualTo(404);
        assertThat(get("images/..%2f..%2fetc%2fpasswd").statusCode()).isEqualTo(404);
        assertThat(get("package-info.class").statusCode()).isEqualTo(404);
    }

    @Test
    void onlyReadingIsAllowed() throws Exception {
        assertThat(status("POST / HTTP/1.1", "127.0.0.1")).isEqualTo(405);
        assertThat(status("DELETE /images/1 HTTP/1.1", "127.0.0.1")).isEqualTo(405);
        assertThat(status("HEAD / HTTP/1.1", "127.0.0.1")).isEqualTo(200);
        assertThat(status("HEAD /events HTTP/1.1", "127.0.0.1")).isEqualTo(200);
    }

    @Test
    void onlyItsOwnPagesCancel() throws Exception {
        String own = "127.0.0.1:" + gallery.uri().getPort();
        assertThat(status("GET /api/cancel HTTP/1.1", own)).isEqualTo(405);
        assertThat(status("POST /api/cancel HTTP/1.1", own + "\r\nOrigin: http://evil.example"))
                .isEqualTo(403);
        assertThat(status("POST /api/cancel HTTP/1.1", own + "\r\nOrigin: null"))
                .isEqualTo(403);
        assertThat(status("POST /api/cancel HTTP/1.1", own + "\r\nOrigin: http://" + own))
                .as("there is no request id")
                .isEqualTo(400);
    }

    @Test
    void onlyLocalNamesAreServed() throws Exception {
        int port = gallery.uri().getPort();
        assertThat(status("GET / HTTP/1.1", "localhost:" + port)).isEqualTo(200);
        assertThat(status("GET / HTTP/1.1", "evil.example:" + port)).isEqualTo(403);
        assertThat(status("GET /events HTTP/1.1", "evil.example")).isEqualTo(403);
        assertThat(status("GET / HTTP/1.1", "localhost.evil.example")).isEqualTo(403);
    }

    @Test
    void aFlinkPageThatIsNoWebAddressIsRefused() {
        URI script = URI.create("javascript:alert(1)");
        assertThatThrownBy(() -> Gallery.start(Map.of(), Topics.DEFAULT, new WireFormat.SingleObject(), 0, script))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("javascript:alert(1), expected an http or https address");
    }

    private static HttpResponse<byte[]> get(String path) throws Exception {
        return BROWSER.send(
                HttpRequest.newBuilder(URI.create(gallery.uri() + path))
                        .timeout(PATIENCE)
                        .build(),
                HttpResponse.BodyHandlers.ofByteArray());
    }

    /** Java's own client lets no one set the Host header. */
    private static int status(String requestLine, String host) throws Exception {
        try (Socket socket =
                new Socket(InetAddress.getLoopbackAddress(), gallery.uri().getPort())) {
            socket.setSoTimeout((int) PATIENCE.toMillis());
            String request = "%s\r\nHost: %s\r\nContent-Length: 0\r\n\r\n".formatted(requestLine, host);
            socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            InputStream in = socket.getInputStream();
            String start = new String(in.readNBytes("HTTP/1.1 200".length()), StandardCharsets.US_ASCII);
            return Integer.parseInt(start.substring("HTTP/1.1 ".length()));
        }
    }
}
