package io.finestream.cli;

import io.finestream.dit.ComputeType;
import io.finestream.flink.GenerationSettings;
import io.finestream.kafka.Topics;
import io.finestream.pipeline.FlinkDefaults;
import io.finestream.pipeline.GenerationJob;
import io.finestream.pipeline.KafkaConnectors;
import io.finestream.weights.ModelDirectory;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.environment.LocalStreamEnvironment;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "run",
        mixinStandardHelpOptions = true,
        description = {
            "Runs the generation job: requests from Kafka, images to Kafka.",
            "Started by java -jar it runs in this process, by flink run on the cluster.",
            "Requests that wait are in its checkpoints: on a cluster, restart it from one (flink run -s)."
        },
        footer = {
            "",
            "Examples:",
            "  finestream run -b localhost:9092 --create-topics --state state",
            "  flink run -p 4 finestream.jar run -b broker:9092 --model /models/DiT-XL-2"
        })
final class RunCommand implements Callable<Integer> {

    private static final Path DEFAULT_STATE = Path.of("finestream-state");
    private static final Duration DEFAULT_CHECKPOINT_INTERVAL = Duration.ofSeconds(1);

    @Mixin
    private KafkaOptions kafka = new KafkaOptions();

    @Option(names = "--model", description = "model directory, or name of a shipped model (default ${DEFAULT-VALUE})")
    private String model = "flowers";

    @Option(names = "--device", description = "auto, cpu or gpu (default ${DEFAULT-VALUE})")
    private String device = "auto";

    @Option(names = "--dtype", description = "fp32 or bf16 arithmetic (default ${DEFAULT-VALUE})")
    private ComputeType dtype = ComputeType.FP32;

    @Option(
            names = "--rows",
            paramLabel = "N",
            description = "most rows of one pass of the network, per slot; a guided image takes 2"
                    + " (default ${DEFAULT-VALUE})")
    private int rows = GenerationSettings.MAX_ROWS;

    @Option(
            names = "--threads",
            paramLabel = "N",
            description = "engine threads per slot; 0: processors / parallelism (default ${DEFAULT-VALUE})")
    private int threads = 0;

    @Option(
            names = "--max-pending",
            paramLabel = "N",
            description = "requests that wait in memory, per slot; Kafka holds the rest (default ${DEFAULT-VALUE})")
    private int maxPending = GenerationSettings.MAX_PENDING;

    @Option(
            names = "--max-count",
            paramLabel = "N",
            description = "most images of one request record (default ${DEFAULT-VALUE})")
    private int maxCount = GenerationSettings.MAX_COUNT;

    @Option(
            names = "--no-updates",
            description = "stay with the model as it is: do not follow the versions of a fine-tuning job")
    private boolean noUpdates;

    @Option(
            names = "--swap",
            paramLabel = "HOW",
            description = "what a new version does to images that have been begun: fenced (they end on the version that"
                    + " they began with) or immediate (default fenced)")
    private GenerationSettings.Swap swap = GenerationSettings.Swap.FENCED;

    @Option(
            names = {"-p", "--parallelism"},
            paramLabel = "N",
            description = "subtasks (default: Flink's)")
    private @Nullable Integer parallelism;

    @Option(
            names = "--checkpoint-interval",
            paramLabel = "TIME",
            converter = TimeConverters.OfDuration.class,
            description = "images are visible when their checkpoint is done (default: Flink's, or 1s)")
    private @Nullable Duration checkpointInterval;

    @Option(
            names = "--state",
            paramLabel = "DIR",
            description = "keep checkpoints here, and go on from the newest"
                    + " (default: finestream-state; on a cluster, Flink's configuration)")
    private @Nullable Path state;

    @Option(
            names = "--job-id",
            paramLabel = "TEXT",
            description = "names the consumer group and the transactions; one per job"
                    + " (default: the topic prefix and 'finestream')")
    private @Nullable String jobId;

    @Option(names = "--bounded", description = "end with the last request that is there now")
    private boolean bounded;

    @Option(names = "--create-topics", description = "create the topics that are missing")
    private boolean createTopics;

    @Override
    public Integer call() throws Exception {
        ModelDirectory.locate(model); // fail here rather than on the cluster
        GenerationSettings settings = new GenerationSettings(
                model, device, dtype, rows, threads, maxPending, maxCount, swap, kafka.wireFormat());
        Topics topics = kafka.topics();
        Map<String, String> client = kafka.clientProperties();
        if (createTopics) {
            topics.create(new HashMap<>(client), Topics.DEFAULT_PARTITIONS, (short) 1);
        } else {
            for (String topic : topicsUsed(topics)) {
                TopicLookup.partitions(client, topic);
            }
        }
        String id = jobId != null ? jobId : kafka.prefixed("finestream");
        StreamExecutionEnvironment env = environment(id);
        KafkaConnectors connectors = new KafkaConnectors(client, settings.wireFormat(), id);
        GenerationJob.build(
                env,
                connectors.requests(topics.requests(), bounded),
                noUpdates ? null : connectors.parameters(topics.parameters()),
                connectors.images(topics.images()),
                connectors.deadLetters(topics.deadLetters()),
                settings);
        System.out.println("generating from " + topics.requests() + " to " + topics.images() + " at " + kafka.address()
                + " with model " + model + (bounded ? "" : "; Ctrl-C stops it"));
        env.execute(GenerationJob.NAME);
        return 0;
    }

    private List<String> topicsUsed(Topics topics) {
        List<String> used = new ArrayList<>(List.of(topics.requests(), topics.images(), topics.deadLetters()));
        if (!noUpdates) {
            used.add(topics.parameters());
        }
        return used;
    }

    /** What the cluster is configured with stands, unless an option says otherwise. */
    private StreamExecutionEnvironment environment(String id) throws IOException {
        StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment();
        Configuration configuration = FlinkDefaults.job(DEFAULT_CHECKPOINT_INTERVAL);
        configuration.addAll(Configuration.fromMap(env.getConfiguration().toMap()));
        if (checkpointInterval != null) {
            configuration.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, checkpointInterval);
        }
        if (state != null || env instanceof LocalStreamEnvironment) {
            FlinkDefaults.statesIn(configuration, (state != null ? state : DEFAULT_STATE).resolve(id));
        }
        env.configure(configuration);
        if (parallelism != null) {
            env.setParallelism(parallelism);
        }
        return env;
    }
}
