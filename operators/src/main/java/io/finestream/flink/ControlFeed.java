package io.finestream.flink;

import io.finestream.schemas.GenerationControl;
import io.finestream.schemas.wire.AvroCodec;
import io.finestream.schemas.wire.WireFormat;
import io.finestream.schemas.wire.WireFormatException;
import java.io.IOException;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What clients say about their requests: first what the control topic holds ({@link #catchUp}), then what comes, in a
 * thread of its own ({@link #follow}).
 */
final class ControlFeed implements AutoCloseable {

    /** Called by whichever thread reads. */
    interface Listener {
        /** @param offset of the record */
        void control(long offset, GenerationControl control);

        /** Nothing further will come. */
        void failed(Throwable cause);
    }

    private static final Logger LOG = LoggerFactory.getLogger(ControlFeed.class);

    private final FollowedPartition partition;
    private final AvroCodec<GenerationControl> codec;
    private final Listener listener;

    private ControlFeed(FollowedPartition partition, AvroCodec<GenerationControl> codec, Listener listener) {
        this.partition = partition;
        this.codec = codec;
        this.listener = listener;
    }

    /**
     * Opens the topic.
     *
     * @param from offset of the first record to read; where the topic does not have it, the first that it has
     * @throws IOException if there is no such topic
     */
    static ControlFeed open(ControlTopic topic, WireFormat wireFormat, long from, Listener listener)
            throws IOException {
        FollowedPartition partition = new FollowedPartition(topic);
        try {
            if (!partition.exists()) {
                throw new IOException(
                        "there is no " + topic + " with one partition; create it with 'finestream topics create'");
            }
            long begin = partition.begin();
            partition.seek(from < begin || from > partition.end() ? begin : from);
            return new ControlFeed(partition, new AvroCodec<>(GenerationControl.class, wireFormat), listener);
        } catch (IOException | RuntimeException e) {
            partition.close();
            throw e;
        }
    }

    /** Reads what the topic holds now, in the caller's thread. */
    void catchUp() {
        do {
            read();
        } while (!partition.isAtEnd());
    }

    /** Goes on in a thread of its own. */
    void follow() {
        partition.follow("control-feed", this::read, listener::failed);
    }

    private void read() {
        for (ConsumerRecord<byte[], byte[]> record : partition.poll()) {
            try {
                if (record.value() != null) {
                    listener.control(record.offset(), codec.decode(record.value()));
                }
            } catch (WireFormatException e) { // anybody may write to the topic: no reason to stop
                LOG.warn("passes over offset {} of the control topic: {}", record.offset(), e.getMessage());
            }
        }
    }

    @Override
    public void close() {
        partition.close();
    }
}
