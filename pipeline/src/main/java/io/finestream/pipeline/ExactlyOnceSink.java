package io.finestream.pipeline;

import java.io.IOException;
import java.lang.reflect.Field;
import java.util.Collection;
import java.util.List;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.connector.sink2.Committer;
import org.apache.flink.api.connector.sink2.CommitterInitContext;
import org.apache.flink.api.connector.sink2.CommittingSinkWriter;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.StatefulSinkWriter;
import org.apache.flink.api.connector.sink2.SupportsCommitter;
import org.apache.flink.api.connector.sink2.SupportsWriterState;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.streaming.api.connector.sink2.CommittableMessage;
import org.apache.flink.streaming.api.connector.sink2.SupportsPostCommitTopology;
import org.apache.flink.streaming.api.datastream.DataStream;

/**
 * Flink's exactly-once sink for Kafka, whose writer closes all that it opened. The connector's own (5.0.0-2.2) leaves its
 * admin client: a thread that holds the job's class loader, and with it tens of megabytes, at each start of a job in a
 * TaskManager. {@code ClusterITCase} says whether this is needed still, and whether it helps.
 *
 * @param <T> of records
 * @param <S> of the writer's state
 * @param <C> of what a checkpoint commits
 */
final class ExactlyOnceSink<T, S, C>
        implements Sink<T>, SupportsWriterState<T, S>, SupportsCommitter<C>, SupportsPostCommitTopology<C> {

    private static final long serialVersionUID = 1;

    private final Sink<T> sink;
    private final SupportsWriterState<T, S> states;
    private final SupportsCommitter<C> commits;
    private final SupportsPostCommitTopology<C> topology;

    /** All four are the connector's sink, whose types have no public names. */
    private ExactlyOnceSink(
            Sink<T> sink,
            SupportsWriterState<T, S> states,
            SupportsCommitter<C> commits,
            SupportsPostCommitTopology<C> topology) {
        this.sink = sink;
        this.states = states;
        this.commits = commits;
        this.topology = topology;
    }

    static <T> Sink<T> of(KafkaSink<T> sink) {
        return new ExactlyOnceSink<>(sink, sink, sink, sink);
    }

    @Override
    public SinkWriter<T> createWriter(WriterInitContext context) throws IOException {
        return closing(sink.createWriter(context));
    }

    @Override
    public StatefulSinkWriter<T, S> restoreWriter(WriterInitContext context, Collection<S> recovered)
            throws IOException {
        return closing(states.restoreWriter(context, recovered));
    }

    @SuppressWarnings("unchecked") // the connector's writer is both
    private Writer<T, S, C> closing(SinkWriter<T> writer) {
        return new Writer<>((StatefulSinkWriter<T, S>) writer, (CommittingSinkWriter<T, C>) writer);
    }

    @Override
    public SimpleVersionedSerializer<S> getWriterStateSerializer() {
        return states.getWriterStateSerializer();
    }

    @Override
    public Committer<C> createCommitter(CommitterInitContext context) throws IOException {
        return commits.createCommitter(context);
    }

    @Override
    public SimpleVersionedSerializer<C> getCommittableSerializer() {
        return commits.getCommittableSerializer();
    }

    @Override
    public void addPostCommitTopology(DataStream<CommittableMessage<C>> committables) {
        topology.addPostCommitTopology(committables);
    }

    private record Writer<T, S, C>(StatefulSinkWriter<T, S> writer, CommittingSinkWriter<T, C> commits)
            implements StatefulSinkWriter<T, S>, CommittingSinkWriter<T, C> {

        private static final String ADMIN = "adminClient";

        @Override
        public void write(T record, Context context) throws IOException, InterruptedException {
            writer.write(record, context);
        }

        @Override
        public void flush(boolean endOfInput) throws IOException, InterruptedException {
            writer.flush(endOfInput);
        }

        @Override
        public void writeWatermark(Watermark watermark) throws IOException, InterruptedException {
            writer.writeWatermark(watermark);
        }

        @Override
        public Collection<C> prepareCommit() throws IOException, InterruptedException {
            return commits.prepareCommit();
        }

        @Override
        public List<S> snapshotState(long checkpoint) throws IOException {
            return writer.snapshotState(checkpoint);
        }

        @Override
        public void close() throws Exception {
            try (AutoCloseable left = admin()) {
                writer.close();
            }
        }

        /** Null where none was opened. */
        private AutoCloseable admin() throws ReflectiveOperationException {
            Field field = writer.getClass().getDeclaredField(ADMIN);
            field.setAccessible(true);
            return (AutoCloseable) field.get(writer);
        }
    }
}
