package io.finestream.kafka;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicBoolean;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.metadata.properties.MetaPropertiesEnsemble;
import org.apache.kafka.metadata.storage.Formatter;
import org.apache.kafka.server.common.MetadataVersion;

/**
 * A real Kafka of one node, broker and KRaft controller, inside this JVM. It answers on 127.0.0.1 only, with neither
 * password nor encryption: for a demo and for tests. What it holds stays in its directory, so a later start in the same
 * directory goes on with the same cluster, topics and records, on the same port or another.
 *
 * <p>Kafka ends the JVM on errors it cannot live with, such as a full disk.
 */
public final class EmbeddedKafka implements AutoCloseable {

    private static final String HOST = "127.0.0.1";
    private static final int NODE = 1;
    private static final int MIB = 1 << 20;
    private static final int LARGEST_MESSAGE_BYTES = 16 * MIB;
    private static final int SEGMENT_BYTES = 64 * MIB;
    private static final Duration LONGEST_TRANSACTION =
            Duration.ofHours(1); // what Flink's sink asks for unless told otherwise

    private final KafkaRaftServer server;
    private final DirectoryLock lock;
    private final int port;
    private final AtomicBoolean closed = new AtomicBoolean();

    private EmbeddedKafka(KafkaRaftServer server, DirectoryLock lock, int port) {
        this.server = server;
        this.lock = lock;
        this.port = port;
    }

    /**
     * Starts the broker and returns when it serves: 2 to 4 seconds.
     *
     * @param dir where it keeps its state; created if missing
     * @param port to serve on, or 0 for any free one
     * @throws IOException in one line, if the port is taken, another broker runs in the directory, or Kafka does not start
     */
    public static EmbeddedKafka start(Path dir, int port) throws IOException {
        return start(dir, port, Map.of());
    }

    /** @param more settings of the broker, which stand over its usual ones */
    static EmbeddedKafka start(Path dir, int port, Map<String, String> more) throws IOException {
        DirectoryLock lock = DirectoryLock.of(dir);
        try {
            Ports ports = Ports.choose(port);
            Path data = Files.createDirectories(dir.resolve("data"));
            return new EmbeddedKafka(started(data.toAbsolutePath(), ports, more), lock, ports.broker);
        } catch (IOException | RuntimeException | Error e) {
            lock.close();
            throw e;
        }
    }

    private static KafkaRaftServer started(Path data, Ports ports, Map<String, String> more) throws IOException {
        Properties settings = settings(data, ports);
        settings.putAll(more);
        KafkaRaftServer server;
        try {
            if (!Files.exists(data.resolve(MetaPropertiesEnsemble.META_PROPERTIES_NAME))) {
                format(data);
            }
            server = new KafkaRaftServer(new KafkaConfig(settings, false), Time.SYSTEM);
        } catch (Exception e) { // Formatter.run declares no less
            throw notStarted(data, e);
        }
        try {
            server.startup();
            return server;
        } catch (RuntimeException e) {
            server.shutdown();
            throw notStarted(data, e);
        }
    }

    private static IOException notStarted(Path data, Exception e) {
        return new IOException(
                "Kafka does not start in %s: %s; if the directory is damaged, delete it or choose another"
                        .formatted(data, e.getMessage()),
                e);
    }

    /**
     * The quorum is static: its one voter is named in the settings and not in the formatted directory, which would fix the
     * controller's port for good.
     */
    private static void format(Path data) throws Exception {
        new Formatter()
                .setPrintStream(new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8))
                .setClusterId(Uuid.randomUuid().toString())
                .setNodeId(NODE)
                .addDirectory(data.toString())
                .setMetadataLogDirectory(data.toString())
                .setControllerListenerName("CONTROLLER")
                .setReleaseVersion(MetadataVersion.latestProduction())
                .setHasDynamicQuorum(false)
                .run();
    }

    private static Properties settings(Path data, Ports ports) {
        String broker = "PLAINTEXT://%s:%d".formatted(HOST, ports.broker);
        Properties p = new Properties();
        p.put("process.roles", "broker,controller");
        p.put("node.id", Integer.toString(NODE));
        p.put("controller.quorum.voters", "%d@%s:%d".formatted(NODE, HOST, ports.controller));
        p.put("listeners", "%s,CONTROLLER://%s:%d".formatted(broker, HOST, ports.controller));
        p.put("advertised.listeners", broker);
        p.put("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT");
        p.put("controller.listener.names", "CONTROLLER");
        p.put("inter.broker.listener.name", "PLAINTEXT");
        p.put("log.dirs", data.toString());
        p.put("auto.create.topics.enable", "false");

        p.put("message.max.bytes", Integer.toString(LARGEST_MESSAGE_BYTES));
        p.put("replica.fetch.max.bytes", Integer.toString(LARGEST_MESSAGE_BYTES));
        p.put("transaction.max.timeout.ms", Long.toString(LONGEST_TRANSACTION.toMillis()));
        p.put("group.initial.rebalance.delay.ms", "0");

        for (String internal :
                new String[] {"offsets.topic", "transaction.state.log", "share.coordinator.state.topic"}) {
            p.put(internal + ".replication.factor", "1");
            p.put(internal + ".num.partitions", "4");
        }
        p.put("transaction.state.log.min.isr", "1");
        p.put("share.coordinator.state.topic.min.isr", "1");

        p.put("num.network.threads", "2");
        p.put("num.io.threads", "2");
        p.put("background.threads", "2");
        p.put("num.recovery.threads.per.data.dir", "1");
        p.put("log.segment.bytes", Integer.toString(SEGMENT_BYTES));
        p.put("log.index.size.max.bytes", Integer.toString(MIB)); // set aside per partition, twice
        p.put("log.cleaner.dedupe.buffer.size", Integer.toString(4 * MIB));
        return p;
    }

    /** The address for clients, as in {@code 127.0.0.1:9092}. */
    public String bootstrapServers() {
        return HOST + ":" + port;
    }

    /** Stops the broker and waits until its directory may be used again. */
    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            try {
                server.shutdown();
                server.awaitShutdown();
            } finally {
                lock.close();
            }
        }
    }

    private record Ports(int broker, int controller) {
        /** Both sockets are open at once, so that the two differ. */
        static Ports choose(int port) throws IOException {
            InetAddress loopback = InetAddress.getByAddress(new byte[] {127, 0, 0, 1});
            try (ServerSocket broker = bind(port, loopback);
                    ServerSocket controller = bind(0, loopback)) {
                return new Ports(broker.getLocalPort(), controller.getLocalPort());
            }
        }

        private static ServerSocket bind(int port, InetAddress address) throws IOException {
            try {
                return new ServerSocket(port, 1, address);
            } catch (IOException e) {
                throw new IOException(
                        "port %d on %s is not free (%s); choose another, or 0 for any free one"
                                .formatted(port, HOST, e.getMessage()),
                        e);
            }
        }
    }
}
