package io.finestream.pipeline;

import io.finestream.flink.RecordClass;
import io.finestream.schemas.DeadLetter;
import io.finestream.schemas.GeneratedImage;
import io.finestream.schemas.GenerationEvent;
import io.finestream.schemas.wire.AvroCodec;
import io.finestream.schemas.wire.WireFormat;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import org.apache.avro.specific.SpecificRecord;
import org.apache.flink.api.common.serialization.SerializationSchema;
import org.apache.flink.connector.kafka.lineage.DefaultKafkaDatasetFacet;
import org.apache.flink.connector.kafka.lineage.DefaultKafkaDatasetIdentifier;
import org.apache.flink.connector.kafka.lineage.KafkaDatasetFacet;
import org.apache.flink.connector.kafka.lineage.KafkaDatasetFacetProvider;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.jspecify.annotations.Nullable;

/** Avro records with their Kafka key. */
final class AvroRecordSerializer<T extends SpecificRecord>
        implements KafkaRecordSerializationSchema<T>, KafkaDatasetFacetProvider {

    private static final long serialVersionUID = 1;

    /** What a record is keyed by. */
    enum Key {
        REQUEST_ID_OF_IMAGE {
            @Override
            byte[] of(SpecificRecord image) {
                return ((GeneratedImage) image).getRequestId().getBytes(StandardCharsets.UTF_8);
            }
        },
        REQUEST_ID_OF_EVENT {
            @Override
            byte[] of(SpecificRecord event) {
                return ((GenerationEvent) event).getRequestId().getBytes(StandardCharsets.UTF_8);
            }
        },
        KEY_OF_DEAD_LETTER {
            @Override
            byte @Nullable [] of(SpecificRecord letter) {
                ByteBuffer key = ((DeadLetter) letter).getKey();
                if (key == null) {
                    return null;
                }
                byte[] bytes = new byte[key.remaining()];
                key.duplicate().get(bytes);
                return bytes;
            }
        };

        abstract byte @Nullable [] of(SpecificRecord record);
    }

    private final String topic;
    private final RecordClass<T> type;
    private final WireFormat wireFormat;
    private final Key key;
    private transient AvroCodec<T> codec;

    @SuppressWarnings("NullAway.Init") // Flink calls open before anything else
    AvroRecordSerializer(String topic, Class<T> type, WireFormat wireFormat, Key key) {
        this.topic = topic;
        this.type = new RecordClass<>(type);
        this.wireFormat = wireFormat;
        this.key = key;
    }

    @Override
    public void open(SerializationSchema.InitializationContext context, KafkaSinkContext sinkContext) {
        codec = new AvroCodec<>(type.get(), wireFormat);
    }

    /** The sink looks for open transactions of an earlier run by the topic. */
    @Override
    public Optional<KafkaDatasetFacet> getKafkaDatasetFacet() {
        return Optional.of(
                new DefaultKafkaDatasetFacet(DefaultKafkaDatasetIdentifier.ofTopics(List.of(topic)), new Properties()));
    }

    @Override
    public ProducerRecord<byte[], byte[]> serialize(T record, KafkaSinkContext context, @Nullable Long timestamp) {
        return new ProducerRecord<>(topic, key.of(record), codec.encode(record));
    }
}
