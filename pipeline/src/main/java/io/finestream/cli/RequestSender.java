package io.finestream.cli;

import io.finestream.schemas.GenerationRequest;
import io.finestream.schemas.wire.AvroCodec;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.utils.Utils;

/**
 * Sends requests to Kafka. A record stays on the subtask of its partition, so a request for many images is split into
 * parts that share its id and number their samples. The key of every part is the request id; the first part goes to the
 * partition that any Kafka client would choose for that key, and the others to the partitions after it in turn, which
 * the sender says outright.
 */
final class RequestSender implements AutoCloseable {

    private final String topic;
    private final int partitions;
    private final AvroCodec<GenerationRequest> codec;
    private final RecordSender sender;

    /** @param client settings of Kafka's clients */
    RequestSender(Map<String, String> client, String topic, int partitions, AvroCodec<GenerationRequest> codec) {
        this.topic = topic;
        this.partitions = partitions;
        this.codec = codec;
        sender = new RecordSender(client, topic);
    }

    /** The request in records of at most {@code maxPerRecord} images. */
    static List<GenerationRequest> parts(GenerationRequest whole, int maxPerRecord) {
        List<GenerationRequest> parts = new ArrayList<>();
        for (int done = 0; done < whole.getCount(); done += maxPerRecord) {
            parts.add(GenerationRequest.newBuilder(whole)
                    .setFirstSample(whole.getFirstSample() + done)
                    .setCount(Math.min(maxPerRecord, whole.getCount() - done))
                    .build());
        }
        return parts;
    }

    /** Sends the parts of one request without waiting for the brokers. */
    void send(List<GenerationRequest> parts) {
        for (int i = 0; i < parts.size(); i++) {
            GenerationRequest part = parts.get(i);
            byte[] key = part.getRequestId().getBytes(StandardCharsets.UTF_8);
            int first = Utils.toPositive(Utils.murmur2(key)) % partitions;
            sender.send((first + i) % partitions, key, codec.encode(part));
        }
    }

    /**
     * Waits until the brokers have every record.
     *
     * @throws IOException if they do not take one
     */
    void flush() throws IOException {
        sender.flush();
        Exception e = sender.failure();
        if (e != null) {
            throw new IOException(
                    "Kafka did not take every request into %s (%s); those that it took will be served"
                            .formatted(topic, e.getMessage()),
                    e);
        }
    }

    @Override
    public void close() {
        sender.close();
    }
}
