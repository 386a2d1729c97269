package io.finestream.demo;

import io.finestream.dit.Taxonomy;
import io.finestream.kafka.Topics;
import io.finestream.schemas.GenerationRequest;
import io.finestream.schemas.wire.AvroCodec;
import io.finestream.schemas.wire.WireFormat;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** A steady trickle of requests over all classes, as a team's producer would send them. */
final class Traffic implements AutoCloseable {

    private static final Duration CLOSE_PATIENCE = Duration.ofSeconds(2);
    private static final int STEPS = 20;

    private final KafkaProducer<byte[], byte[]> producer;
    private final ScheduledExecutorService clock;

    private Traffic(KafkaProducer<byte[], byte[]> producer, ScheduledExecutorService clock) {
        this.producer = producer;
        this.clock = clock;
    }

    /** Sends {@code perSecond} requests for one image a second, each for another class. */
    static Traffic start(
            String bootstrapServers, Topics topics, WireFormat format, Taxonomy taxonomy, double perSecond) {
        Map<String, Object> properties = new HashMap<>();
        properties.put("bootstrap.servers", bootstrapServers);
        KafkaProducer<byte[], byte[]> producer =
                new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
        AvroCodec<GenerationRequest> codec = new AvroCodec<>(GenerationRequest.class, format);
        Random random = new Random();
        List<Taxonomy.Subclass> order = new ArrayList<>(taxonomy.subclasses());
        Collections.shuffle(order, random);
        ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor(task -> {
            Thread thread = new Thread(task, "demo-traffic");
            thread.setDaemon(true);
            return thread;
        });
        int[] next = {0};
        long nanos = (long) (1e9 / perSecond);
        clock.scheduleAtFixedRate(
                () -> {
                    GenerationRequest request = GenerationRequest.newBuilder()
                            .setRequestId(UUID.randomUUID().toString())
                            .setSubclass(order.get(next[0]++ % order.size()).name())
                            .setSeed(random.nextInt(1_000_000))
                            .setSteps(STEPS)
                            .build();
                    byte[] key = request.getRequestId().getBytes(StandardCharsets.UTF_8);
                    producer.send(new ProducerRecord<>(topics.requests(), key, codec.encode(request)));
                },
                0,
                nanos,
                TimeUnit.NANOSECONDS);
        return new Traffic(producer, clock);
    }

    @Override
    public void close() {
        clock.shutdownNow();
        producer.close(CLOSE_PATIENCE);
    }
}
