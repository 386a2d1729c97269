package io.finestream.bench;

import io.finestream.dit.Taxonomy;
import io.finestream.flink.GenerationSettings;
import io.finestream.kafka.EmbeddedKafka;
import io.finestream.kafka.Topics;
import io.finestream.pipeline.FlinkDefaults;
import io.finestream.pipeline.GenerationJob;
import io.finestream.pipeline.KafkaConnectors;
import io.finestream.schemas.GeneratedImage;
import io.finestream.schemas.GenerationRequest;
import io.finestream.schemas.wire.AvroCodec;
import io.finestream.schemas.wire.WireFormatException;
import io.finestream.weights.ModelFiles;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.RestOptions;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * How long single requests take through the whole job, from Kafka to an image file, first with nothing else to do and then
 * while one request for many images is being served. Their arrivals are random, and the same both times.
 *
 * @param singles requests for one image each, each time
 * @param interval between two of them, on the average
 * @param images of the large request
 * @param steps of every image
 */
public record FairnessBench(
        GenerationSettings settings, int slots, int singles, Duration interval, int images, int steps) {

    private static final int WARM_UP_PER_SLOT = 48; // images

    private static final String LARGE = "large";
    private static final int WARM_UP = 10;
    private static final int ALONE_SHARE = 10; // the first tenth of the large request is made alone
    private static final Duration CHECKPOINTS = Duration.ofSeconds(1);
    private static final Duration POLL = Duration.ofMillis(5);
    private static final Duration PATIENCE = Duration.ofMinutes(10); // without an image
    private static final long SEED = 1;

    /**
     * Times of single requests, from their Kafka timestamp to the image file.
     *
     * @param largeImagesPerSecond that the large request had meanwhile
     */
    public record Phase(String name, double p50Millis, double p99Millis, double largeImagesPerSecond) {}

    /** @param largeAloneImagesPerSecond that the large request had before the single ones came */
    public record Result(Phase unloaded, Phase loaded, double largeAloneImagesPerSecond) {
        public double p50Ratio() {
            return loaded.p50Millis() / unloaded.p50Millis();
        }

        public double p99Ratio() {
            return loaded.p99Millis() / unloaded.p99Millis();
        }
    }

    /**
     * Runs both phases.
     *
     * @param directory for Kafka's files and checkpoints
     * @param say told what is being done
     */
    public Result run(Path directory, Consumer<String> say) throws Exception {
        ModelFiles files = settings.model().locate();
        Taxonomy taxonomy = files.readTaxonomy(files.readConfig());
        try (EmbeddedKafka kafka = EmbeddedKafka.start(directory.resolve("kafka"), 0)) {
            Map<String, String> client = Map.of("bootstrap.servers", kafka.bootstrapServers());
            Topics topics = Topics.DEFAULT;
            topics.create(new HashMap<>(client), slots, (short) 1);
            JobClient job = startJob(client, topics, directory.resolve("checkpoints"));
            try (Traffic traffic = new Traffic(client, topics, taxonomy)) {
                return measure(traffic, say);
            } finally {
                job.cancel().get();
            }
        }
    }

    private JobClient startJob(Map<String, String> client, Topics topics, Path checkpoints) throws Exception {
        Configuration configuration = FlinkDefaults.statesIn(FlinkDefaults.job(CHECKPOINTS), checkpoints.toUri());
        configuration.set(RestOptions.BIND_ADDRESS, "127.0.0.1");
        configuration.set(RestOptions.BIND_PORT, "0");
        StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment(configuration);
        env.setParallelism(slots);
        KafkaConnectors connectors = new KafkaConnectors(client, settings.wireFormat(), "fairness");
        GenerationJob.build(
                env,
                connectors.records(topics.requests(), false),
                null,
                connectors.control(topics.control()),
                connectors.images(topics.images()),
                connectors.events(topics.events()),
                connectors.deadLetters(topics.deadLetters()),
                settings);
        return env.executeAsync(GenerationJob.NAME);
    }

    private Result measure(Traffic traffic, Consumer<String> say) throws IOException {
        say.accept("warming up");
        traffic.sendLarge("warm-up", WARM_UP_PER_SLOT * slots);
        traffic.await(WARM_UP_PER_SLOT * slots, "warm-up");
        for (int i = 0; i < WARM_UP; i++) {
            traffic.send("warm-up-" + i);
            traffic.await(1, "warm-up-" + i);
        }
        say.accept(singles + " single requests alone");
        Phase unloaded = phase("unloaded", traffic);
        say.accept("a request for " + images + " images alone");
        Instant start = Instant.now();
        traffic.sendLarge(LARGE, images);
        traffic.await(Math.max(1, images / ALONE_SHARE), LARGE);
        double alone = traffic.rate(start, Instant.now());
        say.accept(singles + " single requests beside it");
        Phase loaded = phase("beside " + images, traffic);
        if (traffic.made(LARGE) == images) {
            throw new IllegalStateException("the request for " + images
                    + " images was done before the last single one; expected it to last: ask for more images");
        }
        return new Result(unloaded, loaded, alone);
    }

    private Phase phase(String name, Traffic traffic) throws IOException {
        Random random = new Random(SEED);
        Instant start = Instant.now();
        Instant next = start;
        for (int i = 0; i < singles; i++) {
            next = next.plusNanos((long) (-Math.log(1 - random.nextDouble()) * interval.toNanos()));
            while (Instant.now().isBefore(next)) {
                traffic.poll();
            }
            traffic.send(name + "-" + i);
        }
        List<Double> millis = new ArrayList<>();
        for (int i = 0; i < singles; i++) {
            traffic.await(1, name + "-" + i);
            millis.add(traffic.millis(name + "-" + i));
        }
        Latencies latencies = Latencies.of(millis);
        return new Phase(name, latencies.p50(), latencies.p99(), traffic.rate(start, Instant.now()));
    }

    /** A producer of requests and a consumer of their images. */
    private final class Traffic implements AutoCloseable {

        private final String topic;
        private final Taxonomy taxonomy;
        private final AvroCodec<GenerationRequest> requests =
                new AvroCodec<>(GenerationRequest.class, settings.wireFormat());
        private final AvroCodec<GeneratedImage> images = new AvroCodec<>(GeneratedImage.class, settings.wireFormat());
        private final KafkaProducer<byte[], byte[]> producer;
        private final KafkaConsumer<byte[], byte[]> consumer;
        private final Map<String, Integer> made = new HashMap<>();
        private final Map<String, Double> millis = new HashMap<>();
        private final List<Instant> large = new ArrayList<>(); // when its images were ready
        private int sent;

        Traffic(Map<String, String> client, Topics topics, Taxonomy taxonomy) {
            topic = topics.requests();
            this.taxonomy = taxonomy;
            producer = new KafkaProducer<>(new HashMap<>(client), new ByteArraySerializer(), new ByteArraySerializer());
            Map<String, Object> reading = new HashMap<>(client);
            reading.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
            reading.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
            reading.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
            consumer = new KafkaConsumer<>(reading, new ByteArrayDeserializer(), new ByteArrayDeserializer());
            consumer.assign(IntStream.range(0, slots)
                    .mapToObj(partition -> new TopicPartition(topics.images(), partition))
                    .toList());
        }

        void send(String id) {
            send(id, 0, 1);
        }

        /** In records as the client has them. */
        void sendLarge(String id, int count) {
            for (int first = 0; first < count; first += settings.maxCount()) {
                send(id, first, Math.min(settings.maxCount(), count - first));
            }
        }

        private void send(String id, int first, int count) {
            GenerationRequest request = GenerationRequest.newBuilder()
                    .setRequestId(id)
                    .setSubclass(taxonomy.subclassName(
                            Math.floorMod(id.hashCode(), taxonomy.subclasses().size())))
                    .setSeed(id.hashCode())
                    .setFirstSample(first)
                    .setCount(count)
                    .setSteps(steps)
                    .build();
            var unused = producer.send(new ProducerRecord<>(
                    topic, sent++ % slots, id.getBytes(StandardCharsets.UTF_8), requests.encode(request)));
            producer.flush();
        }

        void poll() throws IOException {
            for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
                GeneratedImage image;
                try {
                    image = images.decode(record.value());
                } catch (WireFormatException e) {
                    throw new IOException("the job wrote an image that can not be read", e);
                }
                made.merge(image.getRequestId(), 1, Integer::sum);
                millis.put(image.getRequestId(), image.getTimings().getTotalMillis());
                if (image.getRequestId().equals(LARGE)) {
                    large.add(image.getCreatedAt());
                }
            }
        }

        void await(int count, String id) throws IOException {
            Instant end = Instant.now().plus(PATIENCE);
            while (made(id) < count) {
                poll();
                if (Instant.now().isAfter(end)) {
                    throw new IllegalStateException("request " + id + " has " + made(id) + " images after " + PATIENCE
                            + ", expected " + count + "; look for errors of the job above");
                }
            }
        }

        int made(String id) {
            return made.getOrDefault(id, 0);
        }

        double millis(String id) {
            return millis.getOrDefault(id, Double.NaN);
        }

        /** Images per second of the large request. */
        double rate(Instant from, Instant to) {
            long count = large.stream()
                    .filter(ready -> !ready.isBefore(from) && ready.isBefore(to))
                    .count();
            return count * 1000.0 / Math.max(1, Duration.between(from, to).toMillis());
        }

        @Override
        public void close() {
            producer.close(Duration.ZERO);
            consumer.close();
        }
    }
}
