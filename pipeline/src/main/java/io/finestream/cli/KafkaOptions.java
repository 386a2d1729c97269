package io.finestream.cli;

import io.finestream.kafka.Topics;
import io.finestream.kafka.VersionHistory;
import io.finestream.schemas.wire.WireFormat;
import io.finestream.versions.BaseTensors;
import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import org.apache.kafka.clients.CommonClientConfigs;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Where Kafka is, how to log in, what the topics are called, and how records are encoded. */
final class KafkaOptions {

    private static final String DEFAULT_ADDRESS = "localhost:9092";

    /** Properties that are for the encoding of records and not for Kafka's clients. */
    private static final Set<String> WIRE_FORMAT = Set.of(
            WireFormat.REGISTRY_URL,
            WireFormat.REGISTRY_TIMEOUT_MILLIS,
            WireFormat.BASIC_AUTH,
            WireFormat.BEARER_TOKEN,
            WireFormat.WRITER_SCHEMAS);

    @Spec(Spec.Target.MIXEE)
    private @Nullable CommandSpec command;

    @Option(
            names = {"-b", "--bootstrap-servers"},
            paramLabel = "HOST:PORT",
            description = "brokers, separated by commas (default: " + DEFAULT_ADDRESS + ")")
    private @Nullable String bootstrapServers;

    @Option(names = "--topic-prefix", paramLabel = "TEXT", description = "comes before the names of the topics")
    private String topicPrefix = "";

    @Option(
            names = "--schema-registry",
            paramLabel = "URL",
            description = "encode records with a registry of Confluent's API (default: none is needed)")
    private @Nullable String schemaRegistry;

    @Option(
            names = "--property",
            paramLabel = "KEY=VALUE",
            description = "setting of Kafka's clients or of the registry; repeatable")
    private Map<String, String> properties = new LinkedHashMap<>();

    @Option(
            names = "--properties",
            paramLabel = "FILE",
            description = "more such settings, one KEY=VALUE per line; the place for passwords")
    private @Nullable Path propertiesFile;

    /** Settings of every Kafka client, {@code bootstrap.servers} included. */
    Map<String, String> clientProperties() throws IOException {
        Map<String, String> client = all();
        client.keySet().removeAll(WIRE_FORMAT);
        return client;
    }

    /** The brokers' address, as for an error message. */
    String address() throws IOException {
        return all().getOrDefault(CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG, DEFAULT_ADDRESS);
    }

    Topics topics() {
        return Topics.DEFAULT.withPrefix(topicPrefix);
    }

    /** A name that is this installation's own, as its topics are. */
    String prefixed(String name) {
        return topicPrefix + name;
    }

    WireFormat wireFormat() throws IOException {
        Map<String, String> wire = all();
        wire.keySet().retainAll(WIRE_FORMAT);
        try {
            return WireFormat.of(wire);
        } catch (IllegalArgumentException e) {
            throw refused(String.valueOf(e.getMessage()));
        }
    }

    /** Every version that was published; {@code base} as {@link VersionHistory#read} takes it. */
    VersionHistory versions(@Nullable BaseTensors base) throws IOException {
        return VersionHistory.read(clientProperties(), topics().parameters(), wireFormat(), base);
    }

    private Map<String, String> all() throws IOException {
        Map<String, String> all = new LinkedHashMap<>();
        all.put(
                CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG,
                bootstrapServers == null ? DEFAULT_ADDRESS : bootstrapServers);
        if (propertiesFile != null) {
            Properties file = new Properties();
            try (Reader reader = Files.newBufferedReader(propertiesFile)) {
                file.load(reader);
            }
            file.stringPropertyNames().forEach(key -> all.put(key, file.getProperty(key)));
        }
        all.putAll(properties);
        if (bootstrapServers != null && addressIsGiven()) {
            all.put(CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG, bootstrapServers);
        }
        if (schemaRegistry != null) {
            all.put(WireFormat.REGISTRY_URL, schemaRegistry);
        }
        return all;
    }

    /** On the command line; one that is configured gives way to --property and --properties. */
    private boolean addressIsGiven() {
        return command == null || command.commandLine().getParseResult().hasMatchedOption("--bootstrap-servers");
    }

    private RuntimeException refused(String message) {
        return command == null
                ? new IllegalArgumentException(message)
                : new ParameterException(command.commandLine(), message);
    }
}
