package io.finestream.kafka;

import io.finestream.schemas.ParameterSlice;
import io.finestream.schemas.ParameterVersion;
import io.finestream.schemas.wire.AvroCodec;
import io.finestream.schemas.wire.WireFormat;
import io.finestream.versions.ParameterSlices;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Publishes versions of the parameters: the slices, and the commit record after them, in one transaction. */
public final class VersionPublisher implements AutoCloseable {

    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final String topic;
    private final AvroCodec<ParameterSlice> sliceCodec;
    private final AvroCodec<ParameterVersion> commitCodec;
    private final KafkaProducer<byte[], byte[]> producer;

    /** @param client settings of Kafka's clients */
    public VersionPublisher(Map<String, String> client, String topic, WireFormat wireFormat) {
        this.topic = topic;
        sliceCodec = new AvroCodec<>(ParameterSlice.class, wireFormat);
        commitCodec = new AvroCodec<>(ParameterVersion.class, wireFormat);
        Map<String, Object> settings = new HashMap<>(client);
        settings.put(ProducerConfig.TRANSACTIONAL_ID_CONFIG, "finestream-versions-" + UUID.randomUUID());
        settings.put(ProducerConfig.MAX_REQUEST_SIZE_CONFIG, Topics.LARGEST_MESSAGE_BYTES);
        settings.putIfAbsent(ProducerConfig.MAX_BLOCK_MS_CONFIG, PATIENCE.toMillis());
        producer = new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
        producer.initTransactions();
    }

    /**
     * Publishes one version.
     *
     * @param slices of it, as many as {@code commit} says
     * @return offset of the commit record
     * @throws IOException if Kafka does not take it; then nobody sees any of it
     */
    public long publish(List<ParameterSlice> slices, ParameterVersion commit) throws IOException {
        producer.beginTransaction();
        try {
            for (ParameterSlice slice : slices) {
                var unused = send(ParameterSlices.key(slice), sliceCodec.encode(slice)); // the commit tells
            }
            Future<RecordMetadata> last = send(ParameterSlices.key(commit), commitCodec.encode(commit));
            producer.commitTransaction();
            return last.get().offset();
        } catch (KafkaException | ExecutionException e) {
            abort();
            throw new IOException(
                    "Kafka did not take version %d into %s: %s".formatted(commit.getVersion(), topic, e.getMessage()),
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while publishing version " + commit.getVersion());
        }
    }

    private Future<RecordMetadata> send(String key, byte[] value) {
        return producer.send(new ProducerRecord<>(topic, key.getBytes(StandardCharsets.UTF_8), value));
    }

    private void abort() {
        try {
            producer.abortTransaction();
        } catch (KafkaException e) {
            // the broker aborts it in time
        }
    }

    @Override
    public void close() {
        producer.close(PATIENCE);
    }
}
