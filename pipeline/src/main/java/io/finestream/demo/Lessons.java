package io.finestream.demo;

import io.finestream.codec.Images;
import io.finestream.dit.Taxonomy;
import io.finestream.flowers.FlowerFamily;
import io.finestream.flowers.FlowerRenderer;
import io.finestream.flowers.Species;
import io.finestream.schemas.ImageUse;
import io.finestream.schemas.LabeledImage;
import io.finestream.schemas.wire.AvroCodec;
import io.finestream.schemas.wire.WireFormat;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Labeled images, as a team's labelers would send them: first a few of every species that the shipped model knows, to be
 * kept for replay, and after a while those of a species that it has never seen.
 */
final class Lessons implements AutoCloseable {

    /** What the model is taught. */
    static final Species NEW_SPECIES = Species.of(FlowerFamily.PANSY, 21);

    private static final Duration REVIEW = Duration.ofSeconds(15); // the first images come first
    private static final Duration FIRST_LESSON = Duration.ofMinutes(1);
    private static final int NEW_IMAGES = 64;
    private static final int REPLAY_IMAGES = 2; // of each species
    private static final int SIZE = 64;
    private static final long SEED = 5_000_000_000L; // other pictures than the model was trained on
    private static final Duration CLOSE_PATIENCE = Duration.ofSeconds(2);

    private final String topic;
    private final AvroCodec<LabeledImage> codec;
    private final KafkaProducer<byte[], byte[]> producer;
    private final ScheduledExecutorService clock;

    private Lessons(Map<String, Object> client, String topic, WireFormat format) {
        this.topic = topic;
        codec = new AvroCodec<>(LabeledImage.class, format);
        producer = new KafkaProducer<>(new HashMap<>(client), new ByteArraySerializer(), new ByteArraySerializer());
        clock = Executors.newSingleThreadScheduledExecutor(task -> {
            Thread thread = new Thread(task, "demo-lessons");
            thread.setDaemon(true);
            return thread;
        });
    }

    /** Whether the model is one of flowers, and does not know the new species. */
    static boolean suit(Taxonomy taxonomy) {
        Taxonomy.ClassName first = new Taxonomy.ClassName(
                FlowerFamily.values()[0].displayName(),
                Species.of(FlowerFamily.values()[0], 0).name());
        return taxonomy.names().contains(first)
                && taxonomy.subclasses().stream()
                        .noneMatch(known -> known.name().equals(NEW_SPECIES.name()));
    }

    /**
     * Starts sending.
     *
     * @param taxonomy of the shipped model
     * @param taught called when the new species has been sent
     */
    static Lessons start(
            Map<String, Object> client, String topic, WireFormat format, Taxonomy taxonomy, Consumer<Species> taught) {
        Lessons lessons = new Lessons(client, topic, format);
        // both end when the clock is shut down
        var reviewed = lessons.clock.schedule(() -> lessons.review(taxonomy), REVIEW.toSeconds(), TimeUnit.SECONDS);
        var unused = lessons.clock.schedule(
                () -> {
                    lessons.teach(NEW_SPECIES, NEW_IMAGES, ImageUse.LEARN);
                    taught.accept(NEW_SPECIES);
                },
                FIRST_LESSON.toSeconds(),
                TimeUnit.SECONDS);
        return lessons;
    }

    /** A few images of every species that the model knows: what it must not forget. */
    private void review(Taxonomy taxonomy) {
        for (FlowerFamily family : FlowerFamily.values()) {
            long known = taxonomy.names().stream()
                    .filter(name -> name.superclass().equals(family.displayName()))
                    .count();
            for (int index = 0; index < known; index++) {
                teach(Species.of(family, index), REPLAY_IMAGES, ImageUse.REPLAY);
            }
        }
    }

    private void teach(Species species, int count, ImageUse use) {
        byte[] key = species.name().getBytes(StandardCharsets.UTF_8);
        for (int i = 0; i < count && !clock.isShutdown(); i++) {
            byte[] png = Images.toPng(FlowerRenderer.render(species, SEED + i, SIZE));
            LabeledImage image = LabeledImage.newBuilder()
                    .setImageId("%s/%03d".formatted(species.name(), i))
                    .setSuperclass(species.family().displayName())
                    .setSubclass(species.name())
                    .setImage(ByteBuffer.wrap(png))
                    .setUse(use)
                    .setSource("finestream demo")
                    .setLabeledAt(Instant.now())
                    .build();
            var unused = producer.send(new ProducerRecord<>(topic, key, codec.encode(image)));
        }
    }

    @Override
    public void close() {
        clock.shutdownNow();
        producer.close(CLOSE_PATIENCE);
    }
}
