package io.finestream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.finestream.flink.FineTuneSettings;
import io.finestream.pipeline.FineTuneJob;
import io.finestream.pipeline.KafkaConnectors;
import io.finestream.schemas.wire.WireFormat;
import io.finestream.weights.ModelChoice;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.apache.flink.api.common.resources.ExternalResource;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.runtime.clusterframework.types.ResourceProfile;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

class JobOptionsTest {

    @Command
    private static final class Job {
        @Mixin
        private JobOptions options = new JobOptions();
    }

    @Test
    void flinksCheckpointIntervalStandsUnlessTheOptionSaysOtherwise() {
        Map<String, String> flinks = Map.of("execution.checkpointing.interval", "7 s");

        assertThat(interval(Map.of())).isEqualTo(Duration.ofSeconds(1));
        assertThat(interval(flinks)).isEqualTo(Duration.ofSeconds(7));
        assertThat(interval(flinks, "--checkpoint-interval", "5s")).isEqualTo(Duration.ofSeconds(5));
    }

    @Test
    void statesAreInAFolderOrAtAUri() throws Exception {
        JobOptions.OfFolder folder = new JobOptions.OfFolder();

        assertThat(folder.convert("my states"))
                .isEqualTo(Path.of("my states").toAbsolutePath().toUri());
        assertThat(folder.convert("s3://bucket/states")).isEqualTo(URI.create("s3://bucket/states"));
        assertThat(folder.convert("hdfs:///states")).isEqualTo(URI.create("hdfs:///states"));
    }

    @Test
    void aJobGoesOnFromItsOwnStates(@TempDir Path states) throws Exception {
        Path checkpoint = Files.createDirectories(states.resolve("job/one/chk-1"));
        Files.createFile(checkpoint.resolve("_metadata"));

        StreamExecutionEnvironment env = options("--state", states.toString()).environment("job");
        env.fromSequence(1, 1).print();

        assertThat(env.getStreamGraph()
                        .getJobGraph()
                        .getSavepointRestoreSettings()
                        .getRestorePath())
                .isEqualTo("file:" + checkpoint);
    }

    @Test
    void everyOperatorIsInSlotsWithTheGpusThatAreAskedFor() {
        StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment();
        env.registerSlotSharingGroup(
                options("--cpus-per-slot", "4", "--heap-per-slot", "2g").slots(1));
        KafkaConnectors kafka =
                new KafkaConnectors(Map.of("bootstrap.servers", "localhost:1"), new WireFormat.SingleObject(), "job");
        FineTuneJob.build(
                env,
                kafka.records("labeled", false),
                kafka.parameters("parameters"),
                kafka.versions("parameters"),
                kafka.deadLetters("dead-letters"),
                FineTuneSettings.forModel(ModelChoice.of("flowers"), "job"));

        assertThat(env.getStreamGraph().getJobGraph().getSlotSharingGroups())
                .singleElement()
                .satisfies(group -> {
                    ResourceProfile slot = group.getResourceProfile();
                    assertThat(slot.getExtendedResources().get("gpu")).isEqualTo(new ExternalResource("gpu", 1));
                    assertThat(slot.getCpuCores().getValue().intValue()).isEqualTo(4);
                    assertThat(slot.getTaskHeapMemory()).isEqualTo(MemorySize.parse("2g"));
                });
    }

    private static Duration interval(Map<String, String> flinks, String... args) {
        return options(args).configuration(flinks).get(CheckpointingOptions.CHECKPOINTING_INTERVAL);
    }

    private static JobOptions options(String... args) {
        Job job = new Job();
        new CommandLine(job).parseArgs(args);
        return job.options;
    }
}
