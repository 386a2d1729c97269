package io.finestream.pipeline;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.ExecutionOptions;
import org.apache.flink.configuration.ExternalizedCheckpointRetention;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.configuration.StateRecoveryOptions;
import org.apache.flink.core.execution.CheckpointingMode;
import org.apache.flink.core.execution.RecoveryClaimMode;
import org.apache.flink.core.fs.FileStatus;
import org.apache.flink.core.fs.FileSystem;
import org.apache.flink.core.fs.Path;

/** Flink settings that a generation job is made for; a cluster's own configuration may say otherwise. */
public final class FlinkDefaults {

    private static final String FINISHED = "_metadata"; // of a checkpoint or a savepoint, written last
    private static final int DEPTH = 3; // <job>/chk-<n>/_metadata, savepoint-<id>/_metadata

    private FlinkDefaults() {}

    /**
     * Checkpoints every {@code interval}: images are seen by read-committed consumers when their checkpoint is done, so
     * this is also the latency that exactly-once costs.
     */
    public static Configuration job(Duration interval) {
        Configuration configuration = new Configuration();
        configuration.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, interval);
        // operator state restores one byte per read without compression
        configuration.set(ExecutionOptions.SNAPSHOT_COMPRESSION, true);
        configuration.set(
                CheckpointingOptions.EXTERNALIZED_CHECKPOINT_RETENTION,
                ExternalizedCheckpointRetention.RETAIN_ON_CANCELLATION);
        configuration.set(CheckpointingOptions.CHECKPOINTING_CONSISTENCY_MODE, CheckpointingMode.EXACTLY_ONCE);
        configuration.set(PipelineOptions.OBJECT_REUSE, true);
        configuration.set(RestartStrategyOptions.RESTART_STRATEGY, "exponential-delay");
        configuration.set(
                RestartStrategyOptions.RESTART_STRATEGY_EXPONENTIAL_DELAY_MAX_BACKOFF, Duration.ofSeconds(30));
        return configuration;
    }

    /**
     * Keeps checkpoints under {@code directory}, and goes on from the newest one that is there, unless {@code job}
     * names another (as {@code flink run -s} does).
     *
     * @param directory on any file system that Flink knows
     * @throws IOException if the directory can not be read
     */
    public static Configuration statesIn(Configuration job, URI directory) throws IOException {
        Path checkpoints = new Path(directory);
        job.set(CheckpointingOptions.CHECKPOINT_STORAGE, "filesystem");
        job.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, checkpoints.toString());
        Optional<Path> newest =
                job.contains(StateRecoveryOptions.SAVEPOINT_PATH) ? Optional.empty() : newestCheckpoint(checkpoints);
        if (newest.isPresent()) {
            job.set(StateRecoveryOptions.SAVEPOINT_PATH, newest.get().toString());
            job.set(StateRecoveryOptions.RESTORE_MODE, RecoveryClaimMode.CLAIM);
        }
        return job;
    }

    private static Optional<Path> newestCheckpoint(Path directory) throws IOException {
        List<FileStatus> finished = new ArrayList<>();
        addFinished(directory.getFileSystem(), directory, DEPTH, finished);
        return finished.stream()
                .max(Comparator.comparingLong(FileStatus::getModificationTime))
                .map(file -> file.getPath().getParent());
    }

    private static void addFinished(FileSystem files, Path folder, int depth, List<FileStatus> finished)
            throws IOException {
        for (FileStatus file : list(files, folder)) {
            if (file.isDir()) {
                if (depth > 1) {
                    addFinished(files, file.getPath(), depth - 1, finished);
                }
            } else if (file.getPath().getName().equals(FINISHED)) {
                finished.add(file);
            }
        }
    }

    /** What is in a folder; nothing if it is not there, or is being deleted. */
    private static List<FileStatus> list(FileSystem files, Path folder) throws IOException {
        try {
            FileStatus[] found = files.listStatus(folder);
            return found == null ? List.of() : List.of(found);
        } catch (FileNotFoundException e) {
            return List.of();
        }
    }
}
