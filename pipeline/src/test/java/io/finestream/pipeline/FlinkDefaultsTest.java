package io.finestream.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.StateRecoveryOptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FlinkDefaultsTest {

    @TempDir
    Path parent;

    private Path directory;

    @BeforeEach
    void nameWithASpace() {
        directory = parent.resolve("my states");
    }

    @Test
    void aJobWithoutStatesBeginsAnew() throws IOException {
        Configuration job = states();

        assertThat(job.get(CheckpointingOptions.CHECKPOINTS_DIRECTORY)).isEqualTo("file:" + directory);
        assertThat(job.contains(StateRecoveryOptions.SAVEPOINT_PATH)).isFalse();
    }

    @Test
    void aJobGoesOnFromTheNewestOfItsCheckpointsAndSavepoints() throws IOException {
        finish("one/chk-7", 1_000);
        finish("two/chk-2", 3_000);
        Files.createDirectories(directory.resolve("two/chk-3")); // begun, and not finished
        assertThat(states().get(StateRecoveryOptions.SAVEPOINT_PATH)).isEqualTo("file:" + directory + "/two/chk-2");

        finish("savepoint-1", 4_000);
        assertThat(states().get(StateRecoveryOptions.SAVEPOINT_PATH)).isEqualTo("file:" + directory + "/savepoint-1");
    }

    @Test
    void aSavepointThatIsNamedGoesBeforeTheNewest() throws IOException {
        finish("one/chk-7", 1_000);
        Configuration job = new Configuration().set(StateRecoveryOptions.SAVEPOINT_PATH, "file:/mine");

        assertThat(FlinkDefaults.statesIn(job, directory.toUri()).get(StateRecoveryOptions.SAVEPOINT_PATH))
                .isEqualTo("file:/mine");
    }

    @Test
    void anotherFileSystemIsAskedAndMissedByItsScheme() {
        assertThatThrownBy(() -> FlinkDefaults.statesIn(new Configuration(), URI.create("s3://bucket/states")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("'s3'")
                .hasMessageContaining("flink-s3-fs-hadoop");
    }

    private Configuration states() throws IOException {
        return FlinkDefaults.statesIn(FlinkDefaults.job(Duration.ofSeconds(1)), directory.toUri());
    }

    private void finish(String checkpoint, long millis) throws IOException {
        Path folder = Files.createDirectories(directory.resolve(checkpoint));
        Files.setLastModifiedTime(Files.createFile(folder.resolve("_metadata")), FileTime.fromMillis(millis));
    }
}
