package io.finestream.pipeline;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.finestream.autotune.ComputeSettings;
import io.finestream.dit.ComputeType;
import io.finestream.dit.Taxonomy;
import io.finestream.flink.GenerationSettings;
import io.finestream.kafka.EmbeddedKafka;
import io.finestream.kafka.Topics;
import io.finestream.schemas.GenerationRequest;
import io.finestream.schemas.GuidanceMode;
import io.finestream.schemas.GuidanceSpec;
import io.finestream.schemas.SamplerName;
import io.finestream.schemas.wire.WireFormat;
import io.finestream.weights.GenerativeModel;
import io.finestream.weights.ModelChoice;
import io.finestream.weights.ModelConfig;
import io.finestream.weights.ModelDirectory;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.JobID;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.RestOptions;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.awaitility.Awaitility;

/**
 * A burst of mixed requests through the whole job, twice: with a failure in the middle, and undisturbed. Prints whether
 * every image came exactly once and with the same bytes, and what it cost.
 *
 * <pre>java -cp ... io.finestream.pipeline.LoadRun [requests] [model] [fp32|bf16]</pre>
 */
final class LoadRun {

    private static final int CLASSES = 200;
    private static final int PARTITIONS = 8;
    private static final int SLOTS = 2;
    private static final Duration PATIENCE = Duration.ofMinutes(30);
    private static final ObjectMapper JSON = new ObjectMapper();

    private final List<GenerationRequest> requests;
    private final String model;
    private final ComputeType dtype;
    private final Path directory;
    private final EmbeddedKafka kafka;

    private LoadRun(List<GenerationRequest> requests, String model, ComputeType dtype, Path directory)
            throws Exception {
        this.requests = requests;
        this.model = model;
        this.dtype = dtype;
        this.directory = directory;
        kafka = EmbeddedKafka.start(directory.resolve("kafka"), 0);
    }

    public static void main(String[] args) throws Exception {
        int count = args.length > 0 ? Integer.parseInt(args[0]) : 1_000;
        String model = args.length > 1 ? args[1] : "flowers";
        ComputeType dtype = ComputeType.valueOf(args.length > 2 ? args[2].toUpperCase(java.util.Locale.ROOT) : "FP32");
        Taxonomy taxonomy =
                ModelConfig.readTaxonomy(ModelDirectory.locate(model).resolve(GenerativeModel.TAXONOMY));
        List<GenerationRequest> requests = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            requests.add(request(i, taxonomy.subclassName(i % CLASSES)));
        }
        int images = requests.stream().mapToInt(GenerationRequest::getCount).sum();
        System.out.printf("%d requests for %d images of %d classes, %s%n", count, images, CLASSES, dtype);
        LoadRun load = new LoadRun(requests, model, dtype, Files.createTempDirectory("finestream-load"));
        Map<String, byte[]> disturbed = load.run("disturbed", images / 2);
        Map<String, byte[]> undisturbed = load.run("undisturbed", 0);
        long same = disturbed.entrySet().stream()
                .filter(image -> Arrays.equals(image.getValue(), undisturbed.get(image.getKey())))
                .count();
        System.out.printf("images with the same bytes in both runs: %d of %d%n", same, images);
        System.exit(same == images ? 0 : 1);
    }

    /** Half DDIM, half DDPM; 5 to 50 steps; 1 to 3 images; a fifth unguided, a fifth guided in an interval. */
    private static GenerationRequest request(int i, String subclass) {
        GuidanceSpec.Builder guidance = GuidanceSpec.newBuilder().setScale(1.5 + i % 3);
        if (i % 5 == 0) {
            guidance.setMode(GuidanceMode.NONE);
        } else if (i % 5 == 1) {
            guidance.setIntervalLow(200).setIntervalHigh(800);
        }
        return GenerationRequest.newBuilder()
                .setRequestId("request-" + i)
                .setSubclass(subclass)
                .setSeed(1_000 + i)
                .setCount(i % 10 == 0 ? 3 : 1)
                .setSteps(5 + i * 7 % 46)
                .setSampler(i % 2 == 0 ? SamplerName.DDIM : SamplerName.DDPM)
                .setGuidance(guidance.build())
                .build();
    }

    /** @param failAfter images after which the job fails once; 0 for never */
    private Map<String, byte[]> run(String name, int failAfter) throws Exception {
        Map<String, String> client = Map.of("bootstrap.servers", kafka.bootstrapServers());
        Topics topics = Topics.DEFAULT.withPrefix(name + "-");
        topics.create(new HashMap<>(client), PARTITIONS, (short) 1);
        TopicsInTests.produce(client, topics, requests);
        FailingOnce.IMAGES_UNTIL_FAILURE.set(failAfter);
        Configuration flink = new Configuration();
        flink.set(RestOptions.BIND_ADDRESS, "127.0.0.1");
        flink.set(RestOptions.BIND_PORT, "0");
        try (MiniCluster cluster = new MiniCluster(new MiniClusterConfiguration.Builder()
                .setConfiguration(flink)
                .setNumSlotsPerTaskManager(SLOTS)
                .build())) {
            cluster.start();
            StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment(FlinkDefaults.statesIn(
                    FlinkDefaults.job(Duration.ofSeconds(1)),
                    directory.resolve(name).toUri()));
            env.setParallelism(SLOTS);
            KafkaConnectors connectors = new KafkaConnectors(client, new WireFormat.SingleObject(), name);
            GenerationJob.build(
                    env,
                    connectors.records(topics.requests(), false),
                    connectors.parameters(topics.parameters()),
                    connectors.control(topics.control()),
                    FailingOnce.images(connectors, topics.images()),
                    connectors.events(topics.events()),
                    connectors.deadLetters(topics.deadLetters()),
                    new GenerationSettings(
                            ModelChoice.of(model),
                            "cpu",
                            ComputeSettings.DETERMINISTIC.withType(dtype).withThreads(1),
                            10_000,
                            1_000,
                            GenerationSettings.Swap.FENCED,
                            new WireFormat.SingleObject()));
            long start = System.nanoTime();
            JobID job =
                    cluster.submitJob(env.getStreamGraph().getJobGraph()).get().getJobID();
            Map<String, byte[]> images = new HashMap<>();
            int[] duplicates = {0};
            int expected =
                    requests.stream().mapToInt(GenerationRequest::getCount).sum();
            TopicsInTests.consumeImages(client, topics, expected, PATIENCE, image -> {
                String key = image.getRequestId() + "-" + image.getSample();
                duplicates[0] += images.put(key, TopicsInTests.bytes(image.getImage())) == null ? 0 : 1;
            });
            double seconds = (System.nanoTime() - start) / 1e9;
            report(name, cluster.getRestAddress().get(), job, images.size(), duplicates[0], seconds);
            cluster.cancelJob(job).get();
            int all = TopicsInTests.committedImages(client, topics).size();
            System.out.printf("%s: %d images in the topic in all%n", name, all);
            return images;
        }
    }

    private static void report(String name, URI rest, JobID job, int images, int duplicates, double seconds)
            throws Exception {
        JsonNode checkpoints = get(rest, "/jobs/" + job + "/checkpoints");
        JsonNode duration = checkpoints.path("summary").path("end_to_end_duration");
        String vertex =
                get(rest, "/jobs/" + job).path("vertices").path(0).path("id").asText();
        String metrics =
                "/jobs/" + job + "/vertices/" + vertex + "/subtasks/metrics?get=denoise.steps,denoise.rows&agg=sum";
        Map<String, Double> sums = new HashMap<>();
        Awaitility.await("Flink collects metrics every ten seconds")
                .atMost(Duration.ofMinutes(1))
                .until(() -> {
                    get(rest, metrics)
                            .forEach(metric -> sums.put(
                                    metric.path("id").asText(),
                                    metric.path("sum").asDouble()));
                    return sums.getOrDefault("denoise.rows", 0.0) > 0;
                });
        double rows = sums.getOrDefault("denoise.rows", 0.0);
        System.out.printf(
                "%s: %d images, %d twice, in %.1f s: %.2f images/s; since the last start %.0f rows in %.0f steps,"
                        + " %.1f rows per step; checkpoints %d done, %d failed, p50 %d p99 %d max %d ms; restarts %s%n",
                name,
                images,
                duplicates,
                seconds,
                images / seconds,
                rows,
                sums.getOrDefault("denoise.steps", 0.0),
                rows / sums.getOrDefault("denoise.steps", 1.0),
                checkpoints.path("counts").path("completed").asInt(),
                checkpoints.path("counts").path("failed").asInt(),
                duration.path("p50").asLong(),
                duration.path("p99").asLong(),
                duration.path("max").asLong(),
                get(rest, "/jobs/" + job + "/metrics?get=numRestarts")
                        .path(0)
                        .path("value")
                        .asText());
    }

    private static JsonNode get(URI rest, String path) throws Exception {
        HttpResponse<String> response = HttpClient.newHttpClient()
                .send(HttpRequest.newBuilder(rest.resolve(path)).build(), HttpResponse.BodyHandlers.ofString());
        return JSON.readTree(response.body());
    }
}
