package io.finestream.pipeline;

import io.finestream.schemas.GeneratedImage;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.flink.api.common.serialization.SerializationSchema;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.connector.kafka.lineage.KafkaDatasetFacet;
import org.apache.flink.connector.kafka.lineage.KafkaDatasetFacetProvider;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.kafka.clients.producer.ProducerRecord;

/** Fails once, when an image is about to be written, while others are in the middle of their trajectories. */
record FailingOnce(AvroRecordSerializer<GeneratedImage> serializer)
        implements KafkaRecordSerializationSchema<GeneratedImage>, KafkaDatasetFacetProvider {

    /** Counts down to the failure; 0 or less for none. */
    static final AtomicInteger IMAGES_UNTIL_FAILURE = new AtomicInteger();

    /** The job's sink of images, with the failure in it. */
    static Sink<GeneratedImage> images(KafkaConnectors connectors, String topic) {
        return connectors.sink("images", new FailingOnce(connectors.imageSerializer(topic)));
    }

    @Override
    public void open(SerializationSchema.InitializationContext context, KafkaSinkContext sinkContext) {
        serializer.open(context, sinkContext);
    }

    @Override
    public ProducerRecord<byte[], byte[]> serialize(GeneratedImage image, KafkaSinkContext context, Long timestamp) {
        if (IMAGES_UNTIL_FAILURE.decrementAndGet() == 0) {
            throw new IllegalStateException("injected failure");
        }
        return serializer.serialize(image, context, timestamp);
    }

    @Override
    public Optional<KafkaDatasetFacet> getKafkaDatasetFacet() {
        return serializer.getKafkaDatasetFacet();
    }
}
