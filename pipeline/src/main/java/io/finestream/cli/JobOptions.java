package io.finestream.cli;

import io.finestream.kafka.TopicLookup;
import io.finestream.kafka.Topics;
import io.finestream.pipeline.FlinkDefaults;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.metrics.prometheus.LoopbackPrometheusReporter;
import org.apache.flink.streaming.api.environment.LocalStreamEnvironment;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How a job runs, in this process or on a cluster. */
final class JobOptions {

    private static final Path DEFAULT_STATE = Path.of("finestream-state");
    private static final Duration DEFAULT_CHECKPOINT_INTERVAL = Duration.ofSeconds(1);

    @Option(
            names = "--checkpoint-interval",
            paramLabel = "TIME",
            converter = TimeConverters.OfDuration.class,
            description = "what the job writes is visible when its checkpoint is done (default: Flink's, or 1s)")
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
                    + " (default: the topic prefix and the kind of job)")
    private @Nullable String jobId;

    @Option(names = "--bounded", description = "end with the last record that is there now")
    private boolean bounded;

    @Option(names = "--create-topics", description = "create the topics that are missing")
    private boolean createTopics;

    @Option(
            names = "--metrics-port",
            paramLabel = "PORT",
            description = "in this process: serve metrics for Prometheus at 127.0.0.1 (default: none; on a cluster,"
                    + " Flink's own reporter does)")
    private @Nullable Integer metricsPort;

    String id(String byDefault) {
        return jobId != null ? jobId : byDefault;
    }

    boolean bounded() {
        return bounded;
    }

    /** Creates the topics if that is asked for, and otherwise requires those that the job needs. */
    void prepareTopics(Map<String, String> client, Topics topics, List<String> needed) throws IOException {
        if (createTopics) {
            topics.create(new HashMap<>(client), Topics.DEFAULT_PARTITIONS, (short) 1);
        } else {
            for (String topic : needed) {
                TopicLookup.partitions(client, topic);
            }
        }
    }

    /** What the cluster is configured with stands, unless an option says otherwise. */
    StreamExecutionEnvironment environment(String id) throws IOException {
        StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment();
        Configuration configuration = FlinkDefaults.job(DEFAULT_CHECKPOINT_INTERVAL);
        configuration.addAll(Configuration.fromMap(env.getConfiguration().toMap()));
        if (checkpointInterval != null) {
            configuration.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, checkpointInterval);
        }
        if (metricsPort != null && env instanceof LocalStreamEnvironment) {
            configuration.addAll(LoopbackPrometheusReporter.configuration(metricsPort));
        }
        if (state != null || env instanceof LocalStreamEnvironment) {
            FlinkDefaults.statesIn(configuration, (state != null ? state : DEFAULT_STATE).resolve(id));
        }
        env.configure(configuration);
        return env;
    }
}
