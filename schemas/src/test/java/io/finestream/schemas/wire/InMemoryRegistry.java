package io.finestream.schemas.wire;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.avro.Schema;
import org.apache.avro.SchemaParseException;

/** A schema registry over HTTP on this machine: the two calls of Confluent's API that the codec makes. */
final class InMemoryRegistry implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final HttpServer server;
    private final List<Schema> schemas = new CopyOnWriteArrayList<>(); // the id is the index, from 1
    private volatile String authorization = "";

    final List<String> requests = new CopyOnWriteArrayList<>();

    InMemoryRegistry() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", this::handle);
        server.start();
    }

    URI url() {
        return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
    }

    /** Answers only requests with this Authorization header. */
    void require(String header) {
        authorization = header;
    }

    synchronized int register(Schema schema) {
        if (!schemas.contains(schema)) {
            schemas.add(schema);
        }
        return schemas.indexOf(schema) + 1;
    }

    private void handle(HttpExchange http) throws IOException {
        String path = http.getRequestURI().getPath();
        requests.add(http.getRequestMethod() + " " + path);
        String sent = http.getRequestHeaders().getFirst("Authorization");
        if (!authorization.isEmpty() && !authorization.equals(sent)) {
            answer(http, 401, Map.of("error_code", 401, "message", "Unauthorized"));
        } else if (http.getRequestMethod().equals("POST") && path.matches("/subjects/[^/]+/versions")) {
            register(http);
        } else if (http.getRequestMethod().equals("GET") && path.matches("/schemas/ids/-?\\d+")) {
            byId(http, Integer.parseInt(path.substring("/schemas/ids/".length())));
        } else {
            answer(http, 404, Map.of("error_code", 404, "message", "HTTP 404 Not Found"));
        }
    }

    private void register(HttpExchange http) throws IOException {
        String contentType = http.getRequestHeaders().getFirst("Content-Type");
        if (!"application/vnd.schemaregistry.v1+json".equals(contentType)) {
            answer(http, 415, Map.of("error_code", 415, "message", "HTTP 415 Unsupported Media Type"));
            return;
        }
        try {
            String schema = JSON.readTree(http.getRequestBody()).get("schema").asText();
            answer(http, 200, Map.of("id", register(new Schema.Parser().parse(schema))));
        } catch (SchemaParseException e) {
            answer(http, 422, Map.of("error_code", 42201, "message", "Invalid schema"));
        }
    }

    private void byId(HttpExchange http, int id) throws IOException {
        if (id < 1 || id > schemas.size()) {
            answer(http, 404, Map.of("error_code", 40403, "message", "Schema " + id + " not found"));
        } else {
            answer(http, 200, Map.of("schema", schemas.get(id - 1).toString()));
        }
    }

    private static void answer(HttpExchange http, int status, Map<String, Object> body) throws IOException {
        byte[] bytes = JSON.writeValueAsString(body).getBytes(StandardCharsets.UTF_8);
        http.getResponseHeaders().set("Content-Type", "application/vnd.schemaregistry.v1+json");
        http.sendResponseHeaders(status, bytes.length);
        http.getResponseBody().write(bytes);
        http.close();
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
