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
    private static final int SEEDS = 1_000_000;

    private final String topic;
    private final AvroCodec<GenerationRequest> codec;
    private final KafkaProducer<byte[], byte[]> producer;
    private final ScheduledExecutorService clock;
    private final Random random = new Random();
    private final List<Taxonomy.Subclass> classes;
    private int next;

    private Traffic(String bootstrapServers, Topics topics, WireFormat format, Taxonomy taxonomy) {
        topic = topics.requests();
        codec = new AvroCodec<>(GenerationRequest.class, format);
        producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", bootstrapServers), new ByteArraySerializer(), new ByteArraySerializer());
        classes = new ArrayList<>(taxonomy.subclasses());
        Collections.shuffle(classes, random);
        clock = Executors.newSingleThreadScheduledExecutor(task -> {
            Thread thread = new Thread(task, "demo-traffic");
            thread.setDaemon(true);
            return thread;
        });
    }

    /** Sends {@code perSecond} requests for one image a second, each for another class. */
    static Traffic start(
            String bootstrapServers, Topics topics, WireFormat format, Taxonomy taxonomy, double perSecond) {
        Traffic traffic = new Traffic(bootstrapServers, topics, format, taxonomy);
        var unused = traffic.clock.scheduleAtFixedRate( // ends when the clock is shut down
                traffic::send, 0, (long) (TimeUnit.SECONDS.toNanos(1) / perSecond), TimeUnit.NANOSECONDS);
        return traffic;
    }

    private void send() {
        GenerationRequest request = GenerationRequest.newBuilder()
                .setRequestId(UUID.randomUUID().toString())
                .setSubclass(classes.get(next++ % classes.size()).name())
                .setSeed(random.nextInt(SEEDS))
                .build();
        byte[] key = request.getRequestId().getBytes(StandardCharsets.UTF_8);
        var unused = producer.send(new ProducerRecord<>(topic, key, codec.encode(request)));
    }

    @Override
    public void close() {
        clock.shutdownNow();
        producer.close(CLOSE_PATIENCE);
    }
}
