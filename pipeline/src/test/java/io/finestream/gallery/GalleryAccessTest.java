package io.finestream.gallery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.finestream.kafka.Topics;
import io.finestream.schemas.wire.WireFormat;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
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
        gallery = start(client, PageAddress.local(0), null);
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
        assertThat(get("picker.js").headers().firstValue("Content-Type")).hasValue("text/javascript; charset=utf-8");
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
        assertThat(status(
                        "POST /api/cancel HTTP/1.1",
                        own + "\r\nContent-Type: application/json\r\nOrigin: http://" + own))
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
        assertThatThrownBy(() -> start(Map.of(), PageAddress.local(0), script))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("javascript:alert(1), expected an http or https address");
    }

    @Test
    void theClassesAreServedPackedAndOnce() throws Exception {
        HttpResponse<byte[]> plain = get("classes.json");
        JsonNode classes = new JsonMapper().readTree(plain.body());
        assertThat(classes.get("subclasses").size()).isGreaterThan(100);
        int superclass = classes.at("/subclasses/0/1").intValue();
        assertThat(classes.get("superclasses").get(superclass).textValue()).isNotBlank();

        HttpResponse<byte[]> packed = BROWSER.send(
                HttpRequest.newBuilder(gallery.uri().resolve("classes.json"))
                        .header("Accept-Encoding", "gzip")
                        .build(),
                HttpResponse.BodyHandlers.ofByteArray());
        assertThat(packed.headers().firstValue("Content-Encoding")).hasValue("gzip");
        assertThat(new GZIPInputStream(new ByteArrayInputStream(packed.body())).readAllBytes())
                .isEqualTo(plain.body());
    }

    @Test
    void namesFromKafkaAreNeverMarkup() throws Exception {
        try (Stream<Path> files = Files.list(
                Path.of(GalleryAccessTest.class.getResource("index.html").toURI())
                        .getParent())) {
            assertThat(files.filter(file -> file.toString().endsWith(".js")))
                    .isNotEmpty()
                    .allSatisfy(script -> assertThat(script)
                            .content()
                            .doesNotContain("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("));
        }
    }

    @Test
    void aRequestThatNoGeneratorCouldServeIsRefusedWithTheReason() throws Exception {
        Map<String, String> mistakes = Map.of(
                "{\"subclass\":\"no <b>such</b> class\"}", "there is no class 'no <b>such</b> class'; the nearest are",
                "{\"count\":2}", "the class must be named once",
                "{\"subclass\":\"%s\",\"count\":65}", "count is 65, expected 1 to 64",
                "{\"subclass\":\"%s\",\"steps\":0}", "steps is 0, expected 1 to 1000",
                "{\"subclass\":\"%s\",\"guidanceScale\":1e9}", "guidance scale is 1.0E9",
                "{\"subclass\":\"%s\",\"intervalLow\":700,\"intervalHigh\":2}", "guidance interval is 700 to 2",
                "{\"subclass\":\"%s\",\"sampler\":\"EULER\"}", "sampler: ",
                "{\"subclass\":\"%s\",\"seed\":\"lucky\"}", "seed is 'lucky', expected a whole number",
                "{\"subclass\":\"%s\",\"stepz\":3}", "stepz: Unrecognized field",
                "not JSON", "the request is no JSON");
        String known = new JsonMapper()
                .readTree(get("classes.json").body())
                .at("/subclasses/0/0")
                .textValue();
        for (Map.Entry<String, String> mistake : mistakes.entrySet()) {
            HttpResponse<String> answer = post(mistake.getKey().replace("%s", known), "application/json");
            assertThat(answer.statusCode()).as(mistake.getKey()).isEqualTo(400);
            assertThat(answer.headers().firstValue("Content-Type")).hasValue("application/json");
            assertThat(new JsonMapper().readTree(answer.body()).get("error").textValue())
                    .contains(mistake.getValue());
        }
    }

    @Test
    void aHundredMegabytesAreRefusedByTheirLength() throws Exception {
        String start =
                "POST /requests HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\nHost: 127.0.0.1\r\n\r\n";
        assertThat(answer(start.formatted(100 << 20))).startsWith("HTTP/1.1 413");
        assertThat(post(" ".repeat(20 << 10), "application/json").statusCode()).isEqualTo(413);
    }

    @Test
    void onlyThisPageMaySend() throws Exception {
        assertThat(post("{}", "text/plain").statusCode()).isEqualTo(403); // what a form of another site can send
        String start =
                "POST /requests HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 2\r\nHost: 127.0.0.1\r\nOrigin: %s\r\n\r\n{}";
        assertThat(answer(start.formatted("http://evil.example"))).startsWith("HTTP/1.1 403");
        assertThat(answer(start.formatted("http://127.0.0.1"))).startsWith("HTTP/1.1 400");
        assertThat(status("GET /requests HTTP/1.1", "127.0.0.1")).isEqualTo(405);
    }

    @Test
    void whereOthersCanReachThePageATokenIsDemanded() throws Exception {
        String token = "a-token-of-this-test";
        assertThatThrownBy(() -> new PageAddress("0.0.0.0", 0, null)).hasMessageContaining("expected a token");
        assertThatThrownBy(() -> new PageAddress("0.0.0.0", 0, "x; Path=/")).hasMessageContaining("the token has 9");
        try (Gallery open =
                start(Map.of("bootstrap.servers", "127.0.0.1:1"), new PageAddress("127.0.0.1", 0, token), null)) {
            URI page = open.uri();
            for (String path : List.of("", "events", "images/1", "classes.json", "?token=another-token-here")) {
                assertThat(get(page.resolve(path)).statusCode()).as(path).isEqualTo(401);
            }
            HttpResponse<byte[]> entered = get(page.resolve("?token=" + token));
            assertThat(entered.statusCode()).isEqualTo(303);
            assertThat(entered.headers().firstValue("Location")).hasValue("/");
            String cookie = entered.headers().firstValue("Set-Cookie").orElseThrow();
            assertThat(cookie).contains("HttpOnly", "SameSite");
            assertThat(get(page, "Cookie", "other=1; " + cookie.substring(0, cookie.indexOf(';')))
                            .statusCode())
                    .isEqualTo(200);
            assertThat(get(page, "Authorization", "Bearer " + token).statusCode())
                    .isEqualTo(200);
            assertThat(get(page, "Authorization", "Bearer wrong").statusCode()).isEqualTo(401);
        }
    }

    private static Gallery start(Map<String, Object> client, PageAddress address, URI flinkPage) throws Exception {
        return Gallery.start(
                client,
                Topics.DEFAULT,
                new WireFormat.SingleObject(),
                address,
                SampleRecords.classes(),
                Teaching.UNKNOWN,
                flinkPage);
    }

    private static HttpResponse<String> post(String body, String type) throws Exception {
        return BROWSER.send(
                HttpRequest.newBuilder(gallery.uri().resolve("requests"))
                        .header("Content-Type", type)
                        .timeout(PATIENCE)
                        .POST(HttpRequest.BodyPublishers.ofString(body))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    private static HttpResponse<byte[]> get(URI uri, String... headers) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(uri).timeout(PATIENCE);
        if (headers.length > 0) {
            request.headers(headers);
        }
        return BROWSER.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
    }

    private static HttpResponse<byte[]> get(String path) throws Exception {
        return get(URI.create(gallery.uri() + path));
    }

    /** Java's own client lets no one set the Host header. */
    private static int status(String requestLine, String host) throws Exception {
        String answer = answer("%s\r\nHost: %s\r\nContent-Length: 0\r\n\r\n".formatted(requestLine, host));
        return Integer.parseInt(answer.substring("HTTP/1.1 ".length()));
    }

    /** The beginning of what comes back, as in {@code HTTP/1.1 200}. */
    private static String answer(String request) throws Exception {
        try (Socket socket =
                new Socket(InetAddress.getLoopbackAddress(), gallery.uri().getPort())) {
            socket.setSoTimeout((int) PATIENCE.toMillis());
            socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            InputStream in = socket.getInputStream();
            return new String(in.readNBytes("HTTP/1.1 200".length()), StandardCharsets.US_ASCII);
        }
    }
}
