package io.finestream.kafka;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;

/** A broker that asks for a password (SASL/PLAIN), and lets nobody but {@link #ADMIN} do what no ACL allows. */
public final class SecuredKafka implements AutoCloseable {

    public static final String ADMIN = "admin";

    /** May use what begins with the prefix it was {@link #allow}ed, and no more. */
    public static final String WORKER = "worker";

    private static final String LOGIN =
            "org.apache.kafka.common.security.plain.PlainLoginModule required" + " username=\"%s\" password=\"%s\"";

    private final EmbeddedKafka kafka;

    private SecuredKafka(EmbeddedKafka kafka) {
        this.kafka = kafka;
    }

    public static SecuredKafka start(Path dir) throws IOException {
        return new SecuredKafka(EmbeddedKafka.start(
                dir,
                0,
                Map.of(
                        "listener.security.protocol.map",
                        "PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
                        "sasl.enabled.mechanisms",
                        "PLAIN",
                        "sasl.mechanism.inter.broker.protocol",
                        "PLAIN",
                        "listener.name.plaintext.plain.sasl.jaas.config",
                        LOGIN.formatted(ADMIN, password(ADMIN))
                                + " user_%s=\"%s\" user_%s=\"%s\";"
                                        .formatted(ADMIN, password(ADMIN), WORKER, password(WORKER)),
                        "authorizer.class.name",
                        "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
                        "super.users", // the controller's own listener asks for no password
                        "User:" + ADMIN + ";User:ANONYMOUS")));
    }

    public String bootstrapServers() {
        return kafka.bootstrapServers();
    }

    public static String password(String user) {
        return user + "-secret";
    }

    /** Settings of Kafka's clients. */
    public Map<String, String> client(String user, String password) {
        return Map.of(
                "bootstrap.servers",
                bootstrapServers(),
                "security.protocol",
                "SASL_PLAINTEXT",
                "sasl.mechanism",
                "PLAIN",
                "sasl.jaas.config",
                LOGIN.formatted(user, password) + ";");
    }

    /** The same as a file for {@code --properties}. */
    public Path properties(Path file, String user, String password) throws IOException {
        return Files.write(
                file,
                client(user, password).entrySet().stream()
                        .map(setting -> setting.getKey() + "=" + setting.getValue())
                        .toList());
    }

    /** Topics as the broker makes them, without what 'topics create' sets. */
    public void create(String prefix, String... names) throws ExecutionException, InterruptedException {
        try (Admin admin = Admin.create(Map.copyOf(client(ADMIN, password(ADMIN))))) {
            List<NewTopic> topics = Stream.of(names)
                    .map(name -> new NewTopic(prefix + name, 1, (short) 1))
                    .toList();
            admin.createTopics(topics).all().get();
        }
    }

    /** Lets {@link #WORKER} do something to all resources of a type whose name begins with the prefix. */
    public void allow(ResourceType type, String prefix, AclOperation... operations)
            throws ExecutionException, InterruptedException {
        try (Admin admin = Admin.create(Map.copyOf(client(ADMIN, password(ADMIN))))) {
            List<AclBinding> bindings = List.of(operations).stream()
                    .map(operation -> new AclBinding(
                            new ResourcePattern(type, prefix, PatternType.PREFIXED),
                            new AccessControlEntry("User:" + WORKER, "*", operation, AclPermissionType.ALLOW)))
                    .toList();
            admin.createAcls(bindings).all().get();
        }
    }

    @Override
    public void close() {
        kafka.close();
    }
}
