package io.finestream.bench;

import io.finestream.demo.FlinkCluster;
import io.finestream.flink.GenerationSettings;
import io.finestream.kafka.Topics;
import io.finestream.pipeline.GenerationJob;
import io.finestream.pipeline.KafkaConnectors;
import io.finestream.schemas.GeneratedImage;
import io.finestream.schemas.GenerationRequest;
import io.finestream.schemas.wire.AvroCodec;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.apache.flink.api.common.JobID;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * One run of the generation job over requests that are all there when it starts, as many for each slot.
 *
 * @param directory of this run's alone: its name begins the names of the topics
 */
record PipelineRun(Workload load, GenerationSettings settings, int slots, String bootstrapServers, Path directory) {

    private static final Duration CHECKPOINT_INTERVAL = Duration.ofSeconds(1); // as `run` has it
    private static final Duration POLL = Duration.ofMillis(100);
    private static final Duration PATIENCE = Duration.ofMinutes(10);

    /**
     * By slot, when each image was ready, in milliseconds of the clock: of all images that are committed.
     *
     * @throws IOException if an image comes twice, or none for long
     */
    List<long[]> readyAt(FlinkCluster flink, int imagesPerSlot) throws Exception {
        Map<String, String> client = Map.of("bootstrap.servers", bootstrapServers);
        String id = String.valueOf(directory.getFileName());
        Topics topics = Topics.DEFAULT.withPrefix(id + "-");
        topics.create(new HashMap<>(client), slots, (short) 1);
        produce(client, topics, imagesPerSlot);
        StreamExecutionEnvironment env = FlinkCluster.environment(directory, CHECKPOINT_INTERVAL);
        env.setParallelism(slots);
        KafkaConnectors connectors = new KafkaConnectors(client, settings.wireFormat(), id);
        GenerationJob.build(
                env,
                connectors.records(topics.requests(), false),
                connectors.parameters(topics.parameters()),
                connectors.control(topics.control()),
                connectors.images(topics.images()),
                connectors.events(topics.events()),
                connectors.deadLetters(topics.deadLetters()),
                settings);
        JobID job = flink.submit(env, GenerationJob.NAME);
        try {
            return consume(client, topics, imagesPerSlot);
        } finally {
            flink.stop(job, directory);
        }
    }

    /** A partition is a slot's. */
    private void produce(Map<String, String> client, Topics topics, int imagesPerSlot) throws Exception {
        AvroCodec<GenerationRequest> codec = new AvroCodec<>(GenerationRequest.class, settings.wireFormat());
        try (KafkaProducer<byte[], byte[]> producer =
                new KafkaProducer<>(new HashMap<>(client), new ByteArraySerializer(), new ByteArraySerializer())) {
            List<Future<?>> sent = new ArrayList<>();
            for (int i = 0; i < imagesPerSlot * slots; i++) {
                GenerationRequest request = load.request(i);
                byte[] key = request.getRequestId().getBytes(StandardCharsets.UTF_8);
                sent.add(producer.send(new ProducerRecord<>(topics.requests(), i % slots, key, codec.encode(request))));
            }
            for (Future<?> one : sent) {
                one.get();
            }
        }
    }

    private List<long[]> consume(Map<String, String> client, Topics topics, int imagesPerSlot) throws Exception {
        AvroCodec<GeneratedImage> codec = new AvroCodec<>(GeneratedImage.class, settings.wireFormat());
        List<List<Long>> readyAt = new ArrayList<>();
        IntStream.range(0, slots).forEach(slot -> readyAt.add(new ArrayList<>()));
        Set<String> seen = new HashSet<>();
        Map<String, Object> properties = new HashMap<>(client);
        properties.put("isolation.level", "read_committed");
        properties.put("auto.offset.reset", "earliest");
        try (KafkaConsumer<byte[], byte[]> consumer =
                new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            consumer.assign(IntStream.range(0, slots)
                    .mapToObj(partition -> new TopicPartition(topics.images(), partition))
                    .toList());
            long giveUp = System.nanoTime() + PATIENCE.toNanos();
            while (seen.size() < imagesPerSlot * slots) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
                    GeneratedImage image = codec.decode(record.value());
                    if (!seen.add(image.getRequestId())) {
                        throw new IOException("the image of request " + image.getRequestId() + " came twice");
                    }
                    readyAt.get(image.getProvenance().getSourcePartition())
                            .add(image.getCreatedAt().toEpochMilli());
                    giveUp = System.nanoTime() + PATIENCE.toNanos();
                }
                if (System.nanoTime() > giveUp) {
                    throw new IOException("%d of %d images have come, and none for %d minutes; is %s readable?"
                            .formatted(seen.size(), imagesPerSlot * slots, PATIENCE.toMinutes(), topics.deadLetters()));
                }
            }
        }
        return readyAt.stream()
                .map(slot -> slot.stream().mapToLong(Long::longValue).toArray())
                .toList();
    }
}
