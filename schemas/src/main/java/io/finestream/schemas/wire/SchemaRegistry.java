package io.finestream.schemas.wire;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import org.apache.avro.AvroRuntimeException;
import org.apache.avro.Schema;

/**
 * The two calls of Confluent's registry API that are needed; Apicurio answers them too.
 *
 * @see <a href="https://docs.confluent.io/platform/current/schema-registry/develop/api.html">The API</a>
 */
final class SchemaRegistry {
    private static final String MEDIA_TYPE = "application/vnd.schemaregistry.v1+json";
    private static final int SCHEMA_NOT_FOUND = 40403;
    private static final ObjectMapper JSON = new ObjectMapper();

    private final WireFormat.Confluent options;
    private final HttpClient http;

    SchemaRegistry(WireFormat.Confluent options) {
        this.options = options;
        this.http = HttpClient.newBuilder()
                .connectTimeout(options.timeout())
                .followRedirects(HttpClient.Redirect.NORMAL)
                .build();
    }

    /** Registers a schema, unless it is, and returns its id. */
    int register(String subject, Schema schema) {
        String body = JSON.createObjectNode().put("schema", schema.toString()).toString();
        HttpRequest request = request("/subjects/%s/versions".formatted(subject))
                .header("Content-Type", MEDIA_TYPE)
                .POST(HttpRequest.BodyPublishers.ofString(body))
                .build();
        HttpResponse<String> response = send(request);
        JsonNode id = answer(request, response).path("id");
        if (!id.isInt()) {
            throw refused(request, response);
        }
        return id.intValue();
    }

    /** The schema with this id. */
    Schema byId(int id) throws WireFormatException {
        HttpRequest request = request("/schemas/ids/" + id).build();
        HttpResponse<String> response = send(request);
        if (response.statusCode() == 404
                && json(response.body()).path("error_code").asInt() == SCHEMA_NOT_FOUND) {
            throw new WireFormatException(
                    "schema id %d is not known to the registry at %s: was it registered at another one?"
                            .formatted(id, options.registry()));
        }
        JsonNode answer = answer(request, response);
        String type = answer.path("schemaType").asText("AVRO");
        if (!type.equals("AVRO")) {
            throw new WireFormatException(
                    "schema id %d is %s, expected AVRO: is the producer writing to the wrong topic?"
                            .formatted(id, type));
        }
        try {
            return new Schema.Parser().parse(answer.path("schema").asText());
        } catch (AvroRuntimeException e) {
            throw new WireFormatException(
                    "schema id %d at %s is no Avro schema by itself (%s): register it without references"
                            .formatted(id, options.registry(), e.getMessage()),
                    e);
        }
    }

    private HttpRequest.Builder request(String path) {
        String base = options.registry().toString().replaceAll("/+$", "");
        HttpRequest.Builder request =
                HttpRequest.newBuilder(URI.create(base + path)).timeout(options.timeout());
        request.header("Accept", MEDIA_TYPE + ", application/json");
        String authorization = options.authorization();
        return authorization == null ? request : request.header("Authorization", authorization);
    }

    private HttpResponse<String> send(HttpRequest request) {
        try {
            return http.send(request, HttpResponse.BodyHandlers.ofString());
        } catch (IOException e) {
            throw new RegistryException(
                    "%s %s got no answer within %s (%s): is the registry up, and %s right?"
                            .formatted(request.method(), request.uri(), options.timeout(), e, WireFormat.REGISTRY_URL),
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new RegistryException("interrupted while asking " + request.uri(), e);
        }
    }

    private static JsonNode answer(HttpRequest request, HttpResponse<String> response) {
        JsonNode answer = json(response.body());
        if (response.statusCode() / 100 != 2 || !answer.isObject()) {
            throw refused(request, response);
        }
        return answer;
    }

    private static RegistryException refused(HttpRequest request, HttpResponse<String> response) {
        String body = response.body().strip();
        return new RegistryException("%s %s answered %d %s: %s"
                .formatted(
                        request.method(),
                        request.uri(),
                        response.statusCode(),
                        body.substring(0, Math.min(300, body.length())),
                        remedy(response.statusCode())));
    }

    private static String remedy(int status) {
        return switch (status) {
            case 401, 403 ->
                "set %s or %s to credentials that may do this"
                        .formatted(WireFormat.BASIC_AUTH, WireFormat.BEARER_TOKEN);
            case 409 ->
                "the registry holds an incompatible schema of that name; compare the two, or relax the subject's compatibility level";
            case 422 -> "the registry does not accept this schema; see its log";
            case 429, 500, 502, 503, 504 -> "the registry is in trouble; see its log";
            default ->
                "is %s the base of Confluent's API? At Apicurio it ends in /apis/ccompat/v7"
                        .formatted(WireFormat.REGISTRY_URL);
        };
    }

    /** A missing node where the text is no JSON, as in a proxy's error page. */
    private static JsonNode json(String text) {
        try {
            return JSON.readTree(text);
        } catch (JsonProcessingException e) {
            return JSON.missingNode();
        }
    }
}
