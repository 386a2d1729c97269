package io.finestream.cli;

import io.finestream.kafka.TopicLookup;
import io.finestream.kafka.Topics;
import io.finestream.pipeline.FlinkDefaults;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.apache.flink.api.common.operators.SlotSharingGroup;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.metrics.prometheus.LoopbackPrometheusReporter;
import org.apache.flink.streaming.api.environment.LocalStreamEnvironment;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.graph.StreamGraphGenerator;
import org.apache.kafka.common.config.TopicConfig;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** How a job runs, in this process or on a cluster. */
final class JobOptions {

    private static final Pattern WITH_SCHEME = Pattern.compile("[A-Za-z][A-Za-z0-9+.-]+:.*");

    /** A folder's name, or a URI. */
    static final class OfFolder implements ITypeConverter<URI> {
        @Override
        public URI convert(String value) {
            try {
                return WITH_SCHEME.matcher(value).matches()
                        ? new URI(value)
                        : Path.of(value).toAbsolutePath().toUri();
            } catch (URISyntaxException | InvalidPathException e) {
                throw new TypeConversionException(
                        "'" + value + "' is no folder, expected a name or a URI such as s3://bucket/folder");
            }
        }
    }

    @Spec(Spec.Target.MIXEE)
    private @Nullable CommandSpec command;

    private static final URI DEFAULT_STATE = new OfFolder().convert("finestream-state");
    private static final Duration DEFAULT_CHECKPOINT_INTERVAL = Duration.ofSeconds(1);
    private static final String GPU = "gpu"; // the external resource

    @Option(
            names = "--checkpoint-interval",
            paramLabel = "TIME",
            converter = TimeConverters.OfDuration.class,
            description = "what the job writes is visible when its checkpoint is done (default: Flink's, or 1s)")
    private @Nullable Duration checkpointInterval;

    @Option(
            names = "--state",
            paramLabel = "DIR|URI",
            converter = OfFolder.class,
            description = "keep checkpoints here, and go on from the newest: a folder, or a URI of a file system that"
                    + " Flink knows, as s3://bucket/folder (default: finestream-state; on a cluster, Flink's"
                    + " configuration)")
    private @Nullable URI state;

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

    @Option(
            names = "--gpus-per-slot",
            paramLabel = "N",
            description = "on a cluster: ask Flink for slots with so many GPUs, which needs external-resources: gpu"
                    + " there, and its default scheduler (default: slots as they are configured)")
    private @Nullable Double gpusPerSlot;

    @Option(
            names = "--cpus-per-slot",
            paramLabel = "N",
            description = "of a slot with --gpus-per-slot (default ${DEFAULT-VALUE})")
    private double cpusPerSlot = 1;

    @Option(
            names = "--heap-per-slot",
            paramLabel = "SIZE",
            description = "task heap of a slot with --gpus-per-slot; the engine's memory is not in it"
                    + " (default ${DEFAULT-VALUE})")
    private String heapPerSlot = "1g";

    String id(String byDefault) {
        return jobId != null ? jobId : byDefault;
    }

    boolean bounded() {
        return bounded;
    }

    /**
     * Creates the topics if that is asked for, and requires what a job would fail without, again and again: its topics,
     * its consumer group and its transactions, and the permission to use them.
     *
     * @param id of the job
     */
    void prepareTopics(Map<String, String> client, Topics topics, String id, List<String> read, List<String> written)
            throws IOException {
        if (createTopics) {
            topics.create(new HashMap<>(client), Topics.DEFAULT_PARTITIONS, (short) 1);
        }
        try (TopicLookup brokers = new TopicLookup(client)) {
            for (String topic : read) {
                brokers.requireReadable(topic);
            }
            for (String topic : written) {
                brokers.requireWritable(topic);
            }
            if (read.contains(topics.parameters())) {
                brokers.requireCompacted(topics.parameters());
            }
            brokers.requireGroup(id);
            brokers.requireTransactions(id + "-"); // as its sinks name theirs
            for (String topic : written) {
                if (!topic.equals(topics.events())) {
                    warnOfSmall(topic, brokers.largestRecordBytes(topic));
                }
            }
        }
    }

    private void warnOfSmall(String topic, int largest) {
        if (largest < Topics.LARGEST_MESSAGE_BYTES) {
            warn("the topic " + topic + " takes records of " + largest + " bytes at most, and the job fails at a larger"
                    + " one; set its " + TopicConfig.MAX_MESSAGE_BYTES_CONFIG + " to "
                    + Topics.LARGEST_MESSAGE_BYTES);
        }
    }

    /** What the cluster is configured with stands, unless an option says otherwise. */
    StreamExecutionEnvironment environment(String id) throws IOException {
        StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment();
        boolean here = env instanceof LocalStreamEnvironment;
        Configuration configuration = configuration(env.getConfiguration().toMap());
        if (metricsPort != null && here) {
            configuration.addAll(LoopbackPrometheusReporter.configuration(metricsPort));
        }
        if (state != null || here) {
            URI states = state != null ? state : DEFAULT_STATE;
            var ofThisJob = new org.apache.flink.core.fs.Path(new org.apache.flink.core.fs.Path(states), id);
            FlinkDefaults.statesIn(configuration, ofThisJob.toUri());
        } else if (!configuration.contains(CheckpointingOptions.CHECKPOINTS_DIRECTORY)) {
            warn("no folder for checkpoints is configured here (" + CheckpointingOptions.CHECKPOINTS_DIRECTORY.key()
                    + ", or --state); if the cluster has none either, its JobManager keeps them in memory: they end"
                    + " with it, and fail where a subtask's state is larger than 5 MB");
        }
        if (gpusPerSlot != null && !here) {
            env.registerSlotSharingGroup(slots(gpusPerSlot));
        }
        env.configure(configuration);
        return env;
    }

    /** @param flinks Flink's own, which stand */
    Configuration configuration(Map<String, String> flinks) {
        Configuration configuration = FlinkDefaults.job(DEFAULT_CHECKPOINT_INTERVAL);
        configuration.addAll(Configuration.fromMap(flinks));
        if (checkpointInterval != null) {
            configuration.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, checkpointInterval);
        }
        return configuration;
    }

    /** Of the group that every operator is in. */
    SlotSharingGroup slots(double gpus) {
        return SlotSharingGroup.newBuilder(StreamGraphGenerator.DEFAULT_SLOT_SHARING_GROUP)
                .setCpuCores(cpusPerSlot)
                .setTaskHeapMemory(MemorySize.parse(heapPerSlot))
                .setExternalResource(GPU, gpus)
                .build();
    }

    private void warn(String message) {
        if (command != null) {
            command.commandLine().getErr().println("finestream: " + message);
            command.commandLine().getErr().flush();
        }
    }
}
