package io.finestream.demo;

import io.finestream.dit.Taxonomy;
import io.finestream.flink.GenerationSettings;
import io.finestream.gallery.Gallery;
import io.finestream.kafka.EmbeddedKafka;
import io.finestream.kafka.Topics;
import io.finestream.pipeline.GenerationJob;
import io.finestream.pipeline.KafkaConnectors;
import io.finestream.schemas.wire.WireFormat;
import io.finestream.weights.GenerativeModel;
import io.finestream.weights.ModelConfig;
import io.finestream.weights.ModelDirectory;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.apache.flink.api.common.JobID;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * The whole system in one JVM: a real Kafka broker, a real Flink cluster with its web page, the generation job, requests
 * over many classes, and a page on which the images appear. Everything listens on 127.0.0.1; the state is in one folder
 * and survives a restart.
 */
public final class Demo implements AutoCloseable {

    private static final String JOB_ID = "finestream-demo";
    private static final Duration CHECKPOINT_INTERVAL = Duration.ofSeconds(1);

    /**
     * What is run, and where.
     *
     * @param directory of the state
     * @param slots parallel subtasks
     * @param kafkaPort preferred; another is taken where it is in use
     * @param flinkPort of Flink's page, likewise
     * @param pagePort of the images' page, likewise
     * @param requestsPerSecond of the trickle; 0 for none
     */
    public record Options(
            Path directory,
            GenerationSettings settings,
            int slots,
            int kafkaPort,
            int flinkPort,
            int pagePort,
            double requestsPerSecond) {}

    private final Deque<AutoCloseable> parts = new ArrayDeque<>();
    private Taxonomy taxonomy = new Taxonomy(List.of(), List.of());
    private String bootstrapServers = "";
    private URI page = URI.create("about:blank");
    private URI flinkPage = URI.create("about:blank");

    private Demo() {}

    /**
     * Starts everything and returns when the job is submitted.
     *
     * @param progress told what is being started
     */
    public static Demo start(Options options, Consumer<String> progress) throws Exception {
        Demo demo = new Demo();
        try {
            demo.startParts(options, progress);
            return demo;
        } catch (Exception e) {
            demo.close();
            throw e;
        }
    }

    private void startParts(Options options, Consumer<String> progress) throws Exception {
        WireFormat format = options.settings().wireFormat();
        Topics topics = Topics.DEFAULT;
        taxonomy = taxonomy(options); // a model that is not there is said before anything is started
        Files.createDirectories(options.directory());

        progress.accept("starting Kafka");
        EmbeddedKafka kafka =
                opened(EmbeddedKafka.start(options.directory().resolve("kafka"), freePort(options.kafkaPort())));
        bootstrapServers = kafka.bootstrapServers();
        Map<String, String> client = Map.of("bootstrap.servers", bootstrapServers);
        topics.create(new HashMap<>(client), Topics.DEFAULT_PARTITIONS, (short) 1);

        progress.accept("starting Flink");
        FlinkCluster flink = opened(FlinkCluster.start(
                options.directory().resolve("checkpoints"), freePort(options.flinkPort()), options.slots()));
        flinkPage = flink.page();

        progress.accept("starting the job");
        StreamExecutionEnvironment env =
                StreamExecutionEnvironment.getExecutionEnvironment(flink.jobConfiguration(CHECKPOINT_INTERVAL));
        env.setParallelism(options.slots());
        KafkaConnectors connectors = new KafkaConnectors(client, format, JOB_ID);
        GenerationJob.build(
                env,
                connectors.requests(topics.requests(), false),
                connectors.parameters(topics.parameters()),
                connectors.images(topics.images()),
                connectors.deadLetters(topics.deadLetters()),
                options.settings());
        JobID job = flink.submit(env);
        opened(() -> flink.stop(job));

        progress.accept("starting the page");
        page = opened(Gallery.start(new HashMap<>(client), topics, format, freePort(options.pagePort()), flinkPage))
                .uri();
        if (options.requestsPerSecond() > 0) {
            opened(Traffic.start(bootstrapServers, topics, format, taxonomy, options.requestsPerSecond()));
        }
    }

    private static Taxonomy taxonomy(Options options) throws IOException {
        Path model = ModelDirectory.locate(options.settings().model());
        return ModelConfig.readTaxonomy(model.resolve(GenerativeModel.TAXONOMY));
    }

    /** A class to try. */
    public String exampleClass() {
        return taxonomy.subclassName(0);
    }

    public String bootstrapServers() {
        return bootstrapServers;
    }

    /** Where the images appear. */
    public URI page() {
        return page;
    }

    /** Flink's own page. */
    public URI flinkPage() {
        return flinkPage;
    }

    private <T extends AutoCloseable> T opened(T part) {
        parts.push(part);
        return part;
    }

    private static int freePort(int preferred) {
        try (ServerSocket socket = new ServerSocket()) {
            socket.setReuseAddress(true); // a port that was just closed is free
            socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), preferred));
            return preferred;
        } catch (IOException taken) {
            return 0;
        }
    }

    /** Stops the parts, the last one started first. Every part is stopped even if another fails to. */
    @Override
    public void close() throws Exception {
        Exception failure = null;
        while (!parts.isEmpty()) {
            try {
                parts.pop().close();
            } catch (Exception e) {
                failure = failure == null ? e : failure;
            }
        }
        if (failure != null) {
            throw failure;
        }
    }
}
