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
    private static final List<Long> SAME_SEEDS = List.of(7L, 11L, 23L);
    private static final Duration FIRST_ASKED = Duration.ofSeconds(5); // a new class is known by then
    private static final Duration ASKED_EVERY = Duration.ofMillis(2500);

    private final String topic;
    private final AvroCodec<GenerationRequest> codec;
    private final KafkaProducer<byte[], byte[]> producer;
    private final ScheduledExecutorService clock;
    private final Random random = new Random();
    private final List<Taxonomy.Subclass> classes;
    private int next;
    private int asked;

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

    /** Asks for one class again and again, with the same few seeds: what a newer version makes of them can be compared. */
    void ask(String subclass) {
        var unused = clock.scheduleAtFixedRate( // ends when the clock is shut down
                () -> send(subclass, SAME_SEEDS.get(asked++ % SAME_SEEDS.size())),
                FIRST_ASKED.toMillis(),
                ASKED_EVERY.toMillis(),
                TimeUnit.MILLISECONDS);
    }

    private void send() {
        send(classes.get(next++ % classes.size()).name(), random.nextInt(SEEDS));
    }

    private void send(String subclass, long seed) {
        GenerationRequest request = GenerationRequest.newBuilder()
                .setRequestId(UUID.randomUUID().toString())
                .setSubclass(subclass)
                .setSeed(seed)
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
