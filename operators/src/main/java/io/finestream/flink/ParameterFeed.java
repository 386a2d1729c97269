package io.finestream.flink;

import io.finestream.schemas.LiveVersion;
import io.finestream.versions.VersionAssembler;
import io.finestream.versions.VersionException;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/**
 * Versions from the parameters topic: first those that are there ({@link #catchUp}), then what comes, in a thread of its
 * own ({@link #follow}). It reads what is committed, belongs to no consumer group, and leaves nothing behind in Kafka.
 */
public final class ParameterFeed implements AutoCloseable {

    /** Called by the feed's one thread. */
    public interface Listener {
        /** A version is whole. */
        void version(LiveVersion version);

        /** No further version will come. */
        void failed(Throwable cause);
    }

    private final FollowedPartition partition;
    private final VersionAssembler assembler;

    private ParameterFeed(FollowedPartition partition, VersionAssembler assembler) {
        this.partition = partition;
        this.assembler = assembler;
    }

    /**
     * Opens the topic where {@code assembler} goes on.
     *
     * @throws VersionException if there is no such topic, or it is not the one that {@code assembler} has read
     */
    public static ParameterFeed open(ParameterTopic topic, VersionAssembler assembler) throws VersionException {
        ParameterFeed feed = new ParameterFeed(new FollowedPartition(topic), assembler);
        try {
            feed.seek(topic);
            return feed;
        } catch (VersionException | RuntimeException e) {
            feed.close();
            throw e;
        }
    }

    private void seek(ParameterTopic topic) throws VersionException {
        if (!partition.exists()) {
            throw new VersionException("there is no " + topic + " with one partition; create it with 'finestream topics"
                    + " create', or run with --no-updates");
        }
        long begin = partition.begin();
        long end = partition.end();
        long from = assembler.nextOffset() == 0 ? begin : assembler.nextOffset();
        if (from < begin || from > end) {
            throw new VersionException("the saved state has read the " + topic + " up to offset " + from
                    + ", which now has " + begin + " to " + end
                    + ": it is another topic; start without the saved state");
        }
        partition.seek(from);
    }

    /**
     * Reads what the topic holds now, in the caller's thread.
     *
     * @return whether the assembler has a newer version
     */
    public boolean catchUp() throws VersionException {
        boolean newer = false;
        do {
            for (ConsumerRecord<byte[], byte[]> record : partition.poll()) {
                newer |= accept(record);
            }
        } while (!partition.isAtEnd());
        newer |= assembler.atEnd();
        return newer && assembler.isWhole();
    }

    /** Goes on in a thread of its own. */
    public void follow(Listener listener) {
        partition.follow("parameter-feed", () -> read(listener), listener::failed);
    }

    private void read(Listener listener) throws VersionException {
        for (ConsumerRecord<byte[], byte[]> record : partition.poll()) {
            if (accept(record)) {
                listener.version(assembler.version());
            }
        }
        if (assembler.waitsForEnd() && partition.isAtEnd() && assembler.atEnd()) {
            listener.version(assembler.version());
        }
    }

    private boolean accept(ConsumerRecord<byte[], byte[]> record) throws VersionException {
        return record.value() != null && assembler.accept(record.offset(), record.value());
    }

    @Override
    public void close() {
        partition.close();
    }
}
