package io.finestream.demo;

import io.finestream.pipeline.FlinkDefaults;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.flink.api.common.JobID;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.JobManagerOptions;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.RestOptions;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.runtime.jobgraph.JobGraph;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.graph.StreamGraph;

/**
 * A Flink cluster in this JVM with Flink's web page, bound to 127.0.0.1, that outlives its jobs. Its jobs keep their
 * checkpoints in a directory and go on from the newest one when they are started again.
 */
public final class FlinkCluster implements AutoCloseable {

    private static final String HOST = "127.0.0.1";
    private static final Duration STOP_PATIENCE = Duration.ofSeconds(20);
    private static final MemorySize NETWORK_MEMORY = MemorySize.ofMebiBytes(32);

    private final MiniCluster cluster;

    private FlinkCluster(MiniCluster cluster) {
        this.cluster = cluster;
    }

    /**
     * @param port of the web page, or 0 for any free one
     * @param slots subtasks that run at once
     * @param more settings of the cluster
     */
    public static FlinkCluster start(int port, int slots, Configuration more) throws Exception {
        Configuration configuration = new Configuration(more);
        configuration.set(RestOptions.ADDRESS, HOST);
        configuration.set(RestOptions.BIND_ADDRESS, HOST);
        configuration.set(RestOptions.BIND_PORT, String.valueOf(port));
        configuration.set(JobManagerOptions.BIND_HOST, HOST);
        configuration.set(TaskManagerOptions.BIND_HOST, HOST);
        configuration.set(TaskManagerOptions.HOST, HOST);
        configuration.set(TaskManagerOptions.NETWORK_MEMORY_MIN, NETWORK_MEMORY);
        configuration.set(TaskManagerOptions.NETWORK_MEMORY_MAX, NETWORK_MEMORY);
        MiniCluster cluster = new MiniCluster(new MiniClusterConfiguration.Builder()
                .setConfiguration(configuration)
                .setNumTaskManagers(1)
                .setNumSlotsPerTaskManager(slots)
                .build());
        cluster.start();
        return new FlinkCluster(cluster);
    }

    /** The web page. */
    public URI page() throws InterruptedException, ExecutionException {
        return cluster.getRestAddress().get();
    }

    /**
     * An environment for a job of this cluster, which goes on from its newest checkpoint.
     *
     * @param checkpoints directory of this job's alone
     */
    public static StreamExecutionEnvironment environment(Path checkpoints, Duration checkpointInterval)
            throws IOException {
        return StreamExecutionEnvironment.getExecutionEnvironment(
                FlinkDefaults.statesIn(FlinkDefaults.job(checkpointInterval), checkpoints.toUri()));
    }

    public JobID submit(StreamExecutionEnvironment env, String name) throws InterruptedException, ExecutionException {
        StreamGraph stream = env.getStreamGraph();
        stream.setJobName(name);
        JobGraph graph = stream.getJobGraph();
        return cluster.submitJob(graph).get().getJobID();
    }

    /**
     * Stops a job with a savepoint beside its checkpoints, so that no transaction stays open; if that fails, its newest
     * checkpoint stays.
     */
    public void stop(JobID job, Path checkpoints) throws InterruptedException, ExecutionException, TimeoutException {
        try {
            within(cluster.stopWithSavepoint(
                    job,
                    new org.apache.flink.core.fs.Path(checkpoints.toUri()).toString(),
                    false,
                    SavepointFormatType.NATIVE));
        } catch (ExecutionException | TimeoutException e) {
            within(cluster.cancelJob(job));
        }
        within(cluster.requestJobResult(job));
    }

    private static void within(CompletableFuture<?> future)
            throws InterruptedException, ExecutionException, TimeoutException {
        future.get(STOP_PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
    }

    @Override
    public void close() throws Exception {
        cluster.close();
    }
}
