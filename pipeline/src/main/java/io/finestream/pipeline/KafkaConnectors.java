package io.finestream.pipeline;

import io.finestream.flink.ControlTopic;
import io.finestream.flink.KeyedRecord;
import io.finestream.flink.ParameterTopic;
import io.finestream.flink.SourceRecord;
import io.finestream.flink.SourceRecordDeserializer;
import io.finestream.kafka.Topics;
import io.finestream.schemas.DeadLetter;
import io.finestream.schemas.GeneratedImage;
import io.finestream.schemas.GenerationEvent;
import io.finestream.schemas.wire.WireFormat;
import java.util.Map;
import java.util.Properties;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.sink.TransactionNamingStrategy;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.KafkaSourceBuilder;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.OffsetResetStrategy;
import org.apache.kafka.clients.producer.ProducerConfig;

/**
 * The job's ends in Kafka: records are read once per checkpoint and written in transactions, so that every image is
 * there exactly once for a {@code read_committed} consumer.
 *
 * @param clientProperties settings of every Kafka client, {@code bootstrap.servers} included
 * @param wireFormat how records are encoded
 * @param jobId names the consumer group and the transactions: the same after a restart, different for another job
 */
public record KafkaConnectors(Map<String, String> clientProperties, WireFormat wireFormat, String jobId) {

    /** Unless told otherwise: below the stock broker's maximum of 15 minutes; the sink's own default of an hour is above it. */
    private static final String TRANSACTION_TIMEOUT_MILLIS = String.valueOf(10 * 60 * 1000);

    /**
     * Records from where the group left off, or from the beginning.
     *
     * @param bounded whether the job ends where the topic ended when it started
     */
    @SuppressWarnings("deprecation") // the connector takes nothing else
    public KafkaSource<SourceRecord> records(String topic, boolean bounded) {
        KafkaSourceBuilder<SourceRecord> source = KafkaSource.<SourceRecord>builder()
                .setProperties(properties())
                .setTopics(topic)
                .setGroupId(jobId)
                .setStartingOffsets(OffsetsInitializer.committedOffsets(OffsetResetStrategy.EARLIEST))
                .setProperty(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed")
                .setDeserializer(new SourceRecordDeserializer());
        return (bounded ? source.setBounded(OffsetsInitializer.latest()) : source).build();
    }

    /** Where versions of the parameters are read: each subtask with a consumer of its own. */
    public ParameterTopic parameters(String topic) {
        return new ParameterTopic(clientProperties, topic);
    }

    /** Where requests are cancelled: each subtask reads it with a consumer of its own. */
    public ControlTopic control(String topic) {
        return new ControlTopic(clientProperties, topic);
    }

    /** What happens to requests, keyed by request id: visible at once, and after a failure perhaps twice. */
    public KafkaSink<GenerationEvent> events(String topic) {
        return KafkaSink.<GenerationEvent>builder()
                .setKafkaProducerConfig(properties())
                .setDeliveryGuarantee(DeliveryGuarantee.AT_LEAST_ONCE)
                .setRecordSerializer(new AvroRecordSerializer<>(
                        topic, GenerationEvent.class, wireFormat, AvroRecordSerializer.Key.REQUEST_ID_OF_EVENT))
                .build();
    }

    /** Images, keyed by request id. */
    public Sink<GeneratedImage> images(String topic) {
        return sink("images", imageSerializer(topic));
    }

    AvroRecordSerializer<GeneratedImage> imageSerializer(String topic) {
        return new AvroRecordSerializer<>(
                topic, GeneratedImage.class, wireFormat, AvroRecordSerializer.Key.REQUEST_ID_OF_IMAGE);
    }

    /** Versions of the parameters. */
    public Sink<KeyedRecord> versions(String topic) {
        return sink("parameters", new KeyedRecordSerializer(topic));
    }

    /** Dead letters, keyed as the rejected record was. */
    public Sink<DeadLetter> deadLetters(String topic) {
        return sink(
                "dead-letters",
                new AvroRecordSerializer<>(
                        topic, DeadLetter.class, wireFormat, AvroRecordSerializer.Key.KEY_OF_DEAD_LETTER));
    }

    <T> Sink<T> sink(String name, KafkaRecordSerializationSchema<T> serializer) {
        Properties properties = properties();
        properties.putIfAbsent(ProducerConfig.TRANSACTION_TIMEOUT_CONFIG, TRANSACTION_TIMEOUT_MILLIS);
        properties.setProperty(ProducerConfig.MAX_REQUEST_SIZE_CONFIG, String.valueOf(Topics.LARGEST_MESSAGE_BYTES));
        return ExactlyOnceSink.of(KafkaSink.<T>builder()
                .setKafkaProducerConfig(properties)
                .setDeliveryGuarantee(DeliveryGuarantee.EXACTLY_ONCE)
                .setTransactionalIdPrefix(jobId + "-" + name)
                .setTransactionNamingStrategy(TransactionNamingStrategy.POOLING)
                .setRecordSerializer(serializer)
                .build());
    }

    private Properties properties() {
        Properties properties = new Properties();
        properties.putAll(clientProperties);
        return properties;
    }
}
