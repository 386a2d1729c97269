package io.finestream.schemas.wire;

import java.io.IOException;
import java.io.Serializable;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** How a message names the schema it was written with. Only configuration: what it takes to build an {@link AvroCodec}. */
public sealed interface WireFormat extends Serializable {
    /** URL of the schema registry; setting it chooses {@link Confluent}. */
    String REGISTRY_URL = "schema.registry.url";

    /** How long to wait for the registry, in milliseconds; default 10000. */
    String REGISTRY_TIMEOUT_MILLIS = "schema.registry.timeout.ms";

    /** {@code user:password} for the registry. */
    String BASIC_AUTH = "basic.auth.user.info";

    /** A bearer token for the registry. */
    String BEARER_TOKEN = "bearer.auth.token";

    /** Comma-separated {@code .avsc} files of writers newer than this build, for {@link SingleObject}. */
    String WRITER_SCHEMAS = "writer.schemas";

    /**
     * Avro's single-object encoding: {@code C3 01}, the little-endian CRC-64-AVRO fingerprint of the writer's schema, the
     * datum. It needs no server: the schemas of this build and their committed predecessors are known.
     *
     * @param writerSchemas further schemas to read, as JSON: those of writers newer than this build
     */
    record SingleObject(List<String> writerSchemas) implements WireFormat {
        public SingleObject {
            writerSchemas = List.copyOf(writerSchemas);
        }

        public SingleObject() {
            this(List.of());
        }
    }

    /**
     * Confluent's wire format: {@code 00}, the big-endian id of the writer's schema in a registry, the datum. Schemas are
     * registered under their full record name (Confluent's RecordNameStrategy), so a topic may carry several.
     *
     * @param registry base URL of a registry with Confluent's HTTP API
     * @param timeout how long to wait for the registry to connect, and to answer
     * @param authorization value of the HTTP header of that name, or null for none
     */
    record Confluent(
            URI registry, Duration timeout, @Nullable String authorization) implements WireFormat {
        public Confluent {
            if (!"http".equals(registry.getScheme()) && !"https".equals(registry.getScheme())) {
                throw new IllegalArgumentException(
                        "%s is %s, expected one http or https URL, as in http://localhost:8081"
                                .formatted(REGISTRY_URL, registry));
            }
            if (timeout.isNegative() || timeout.isZero()) {
                throw new IllegalArgumentException(
                        "%s is %d, expected at least 1".formatted(REGISTRY_TIMEOUT_MILLIS, timeout.toMillis()));
            }
        }

        public Confluent(URI registry) {
            this(registry, Duration.ofSeconds(10), null);
        }

        /** Without the credentials. */
        @Override
        public String toString() {
            return "Confluent[registry=%s, timeout=%s]".formatted(registry, timeout);
        }
    }

    /**
     * The wire format that the properties ask for; none ask for {@link SingleObject}.
     *
     * @param properties any of the constants above, and nothing else
     * @throws IllegalArgumentException if a property is unknown, malformed or without effect
     */
    static WireFormat of(Map<String, String> properties) {
        boolean confluent = properties.containsKey(REGISTRY_URL);
        Set<String> expected = confluent
                ? Set.of(REGISTRY_URL, REGISTRY_TIMEOUT_MILLIS, BASIC_AUTH, BEARER_TOKEN)
                : Set.of(WRITER_SCHEMAS);
        Set<String> unexpected = new TreeSet<>(properties.keySet());
        unexpected.removeAll(expected);
        if (!unexpected.isEmpty()) {
            throw new IllegalArgumentException("%s %s %s: expected only %s"
                    .formatted(
                            unexpected,
                            confluent ? "with" : "without",
                            REGISTRY_URL,
                            String.join(", ", new TreeSet<>(expected))));
        }
        return confluent ? confluentOf(properties) : new SingleObject(read(properties.get(WRITER_SCHEMAS)));
    }

    private static Confluent confluentOf(Map<String, String> properties) {
        String basic = properties.get(BASIC_AUTH);
        String bearer = properties.get(BEARER_TOKEN);
        if (basic != null && bearer != null) {
            throw new IllegalArgumentException("set %s or %s, not both".formatted(BASIC_AUTH, BEARER_TOKEN));
        }
        String authorization = bearer == null ? null : "Bearer " + bearer;
        if (basic != null) {
            authorization = "Basic " + Base64.getEncoder().encodeToString(basic.getBytes(StandardCharsets.UTF_8));
        }
        String millis = properties.getOrDefault(REGISTRY_TIMEOUT_MILLIS, "10000");
        try {
            return new Confluent(
                    URI.create(properties.get(REGISTRY_URL).trim()),
                    Duration.ofMillis(Long.parseLong(millis.trim())),
                    authorization);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(
                    "%s is %s, expected whole milliseconds".formatted(REGISTRY_TIMEOUT_MILLIS, millis), e);
        }
    }

    private static List<String> read(@Nullable String files) {
        List<String> schemas = new ArrayList<>();
        for (String file : files == null ? new String[0] : files.split(",")) {
            try {
                schemas.add(Files.readString(Path.of(file.trim())));
            } catch (IOException e) {
                throw new IllegalArgumentException(
                        "%s names %s, which cannot be read".formatted(WRITER_SCHEMAS, file.trim()), e);
            }
        }
        return schemas;
    }
}
