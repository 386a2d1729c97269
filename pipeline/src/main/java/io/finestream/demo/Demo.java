package io.finestream.demo;

import io.finestream.dit.Taxonomy;
import io.finestream.flink.FineTuneSettings;
import io.finestream.flink.GenerationSettings;
import io.finestream.gallery.Gallery;
import io.finestream.gallery.ModelClasses;
import io.finestream.gallery.PageAddress;
import io.finestream.gallery.Teaching;
import io.finestream.kafka.EmbeddedKafka;
import io.finestream.kafka.Topics;
import io.finestream.pipeline.FineTuneJob;
import io.finestream.pipeline.GenerationJob;
import io.finestream.pipeline.KafkaConnectors;
import io.finestream.schemas.wire.WireFormat;
import io.finestream.tuning.TuningSettings;
import io.finestream.weights.ModelFiles;
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
import org.apache.flink.metrics.prometheus.LoopbackPrometheusReporter;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * The whole system in one JVM: a real Kafka broker, a real Flink cluster with its web page, the generation job and the
 * fine-tuning job, requests over many classes, a new species that is taught after a while, and a page on which the images
 * appear. Everything listens on 127.0.0.1; the state is in one folder and survives a restart.
 */
public final class Demo implements AutoCloseable {

    private static final String JOB_ID = "finestream-demo";
    private static final String TUNING_JOB_ID = "finestream-demo-tuning";
    private static final Duration CHECKPOINT_INTERVAL = Duration.ofSeconds(1);

    /**
     * What is run, and where.
     *
     * @param directory of the state
     * @param slots parallel subtasks of generation
     * @param kafkaPort preferred; another is taken where it is in use
     * @param flinkPort of Flink's page, likewise
     * @param pagePort of the images' page, likewise
     * @param metricsPort of the metrics for Prometheus, likewise
     * @param requestsPerSecond of the trickle; 0 for none
     */
    public record Options(
            Path directory,
            GenerationSettings settings,
            int slots,
            int kafkaPort,
            int flinkPort,
            int pagePort,
            int metricsPort,
            double requestsPerSecond) {}

    private final Deque<AutoCloseable> parts = new ArrayDeque<>();
    private Taxonomy taxonomy = new Taxonomy(List.of(), List.of());
    private String bootstrapServers = "";
    private URI page = URI.create("about:blank");
    private URI flinkPage = URI.create("about:blank");
    private URI metrics = URI.create("about:blank");

    private Demo() {}

    /**
     * Starts everything and returns when the jobs are submitted.
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
        int metricsPort = anyFreePort(options.metricsPort());
        FlinkCluster flink = opened(FlinkCluster.start(
                freePort(options.flinkPort()),
                options.slots() + 1,
                LoopbackPrometheusReporter.configuration(metricsPort)));
        metrics = URI.create("http://127.0.0.1:" + metricsPort + "/metrics");
        flinkPage = flink.page();

        progress.accept("starting the jobs");
        KafkaConnectors connectors = new KafkaConnectors(client, format, JOB_ID);
        Path checkpoints = options.directory().resolve("checkpoints");
        StreamExecutionEnvironment generation =
                FlinkCluster.environment(checkpoints.resolve("generation"), CHECKPOINT_INTERVAL);
        generation.setParallelism(options.slots());
        GenerationJob.build(
                generation,
                connectors.records(topics.requests(), false),
                connectors.parameters(topics.parameters()),
                connectors.control(topics.control()),
                connectors.images(topics.images()),
                connectors.events(topics.events()),
                connectors.deadLetters(topics.deadLetters()),
                options.settings());
        run(flink, generation, GenerationJob.NAME, checkpoints.resolve("generation"));
        StreamExecutionEnvironment tuning =
                FlinkCluster.environment(checkpoints.resolve("tuning"), CHECKPOINT_INTERVAL);
        KafkaConnectors tuningConnectors = new KafkaConnectors(client, format, TUNING_JOB_ID);
        FineTuneJob.build(
                tuning,
                tuningConnectors.records(topics.labeled(), false),
                tuningConnectors.parameters(topics.parameters()),
                tuningConnectors.versions(topics.parameters()),
                tuningConnectors.deadLetters(topics.deadLetters()),
                tuning(options));
        run(flink, tuning, FineTuneJob.NAME, checkpoints.resolve("tuning"));

        progress.accept("starting the page");
        Gallery gallery = opened(Gallery.start(
                new HashMap<>(client),
                topics,
                format,
                PageAddress.local(freePort(options.pagePort())),
                ModelClasses.of(options.settings().model().locate()),
                new Teaching(taxonomy, adapters(options), options.settings().model()),
                flinkPage));
        gallery.mapClasses(options.settings().model());
        page = gallery.uri();
        if (options.requestsPerSecond() > 0) {
            Traffic traffic =
                    opened(Traffic.start(bootstrapServers, topics, format, taxonomy, options.requestsPerSecond()));
            if (Lessons.suit(taxonomy)) {
                opened(Lessons.start(new HashMap<>(client), topics.labeled(), format, taxonomy, species -> {
                    traffic.ask(species.name());
                }));
            }
        }
    }

    private void run(FlinkCluster flink, StreamExecutionEnvironment env, String name, Path checkpoints)
            throws Exception {
        JobID job = flink.submit(env, name);
        opened(() -> flink.stop(job, checkpoints));
    }

    /** Few steps between versions, so that one sees them learn; one thread, so that generation goes on beside. */
    private static FineTuneSettings tuning(Options options) {
        return FineTuneSettings.forModel(options.settings().model(), TUNING_JOB_ID)
                .withIntraOpThreads(1)
                .withTuning(TuningSettings.DEFAULT
                        .with(new TuningSettings.Images(0.5, 20, 512, 64L << 20, 0.1))
                        .with(new TuningSettings.Candidates(12, 16, 0.03, 3)))
                .withAdapters(adapters(options).toString(), 1);
    }

    private static Path adapters(Options options) {
        return options.directory().resolve("adapters");
    }

    private static Taxonomy taxonomy(Options options) throws IOException {
        ModelFiles files = options.settings().model().locate();
        return files.readTaxonomy(files.readConfig());
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

    /** What Prometheus reads. */
    public URI metrics() {
        return metrics;
    }

    private <T extends AutoCloseable> T opened(T part) {
        parts.push(part);
        return part;
    }

    /** The preferred port, or 0, with which a server takes any. */
    private static int freePort(int preferred) {
        try {
            boundPort(preferred);
            return preferred;
        } catch (IOException taken) {
            return 0;
        }
    }

    /** For a server that does not tell which port it took. */
    private static int anyFreePort(int preferred) throws IOException {
        return boundPort(freePort(preferred));
    }

    private static int boundPort(int port) throws IOException {
        try (ServerSocket socket = new ServerSocket()) {
            socket.setReuseAddress(true); // a port that was just closed is free
            socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
            return socket.getLocalPort();
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
