package io.finestream.pipeline;

import io.finestream.flink.KeyedRecord;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import org.apache.flink.connector.kafka.lineage.DefaultKafkaDatasetFacet;
import org.apache.flink.connector.kafka.lineage.DefaultKafkaDatasetIdentifier;
import org.apache.flink.connector.kafka.lineage.KafkaDatasetFacet;
import org.apache.flink.connector.kafka.lineage.KafkaDatasetFacetProvider;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.jspecify.annotations.Nullable;

/** Records that are encoded already. */
record KeyedRecordSerializer(String topic)
        implements KafkaRecordSerializationSchema<KeyedRecord>, KafkaDatasetFacetProvider {

    private static final long serialVersionUID = 1;

    /** The sink looks for open transactions of an earlier run by the topic. */
    @Override
    public Optional<KafkaDatasetFacet> getKafkaDatasetFacet() {
        return Optional.of(
                new DefaultKafkaDatasetFacet(DefaultKafkaDatasetIdentifier.ofTopics(List.of(topic)), new Properties()));
    }

    @Override
    public ProducerRecord<byte[], byte[]> serialize(KeyedRecord record, KafkaSinkContext context, @Nullable Long time) {
        return new ProducerRecord<>(topic, record.key(), record.value());
    }
}
