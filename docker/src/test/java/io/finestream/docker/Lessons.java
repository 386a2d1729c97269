package io.finestream.docker;

import static org.assertj.core.api.Assertions.assertThat;

import io.finestream.schemas.LabeledImage;
import io.finestream.schemas.OffsetRange;
import io.finestream.schemas.ParameterVersion;
import io.finestream.schemas.wire.AvroCodec;
import io.finestream.schemas.wire.WireFormat;
import io.finestream.schemas.wire.WireFormatException;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import javax.imageio.ImageIO;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.awaitility.Awaitility;

/** Labeled images that are sent, and the versions that come of them. */
final class Lessons {

    private static final WireFormat WIRE = new WireFormat.SingleObject();
    private static final Duration PATIENCE = Duration.ofMinutes(Integer.getInteger("cluster.minutes", 5));
    private static final int PIXELS = 64;

    private final AvroCodec<LabeledImage> labels = new AvroCodec<>(LabeledImage.class, WIRE);
    private final AvroCodec<ParameterVersion> commits = new AvroCodec<>(ParameterVersion.class, WIRE);
    private final String bootstrapServers;
    private final String prefix;
    private int sent;

    Lessons(String bootstrapServers, String prefix) {
        this.bootstrapServers = bootstrapServers;
        this.prefix = prefix;
    }

    /** Sends images of a class that the model does not know. */
    void teach(int images) throws IOException {
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", bootstrapServers), new ByteArraySerializer(), new ByteArraySerializer())) {
            for (int end = sent + images; sent < end; sent++) {
                LabeledImage image = LabeledImage.newBuilder()
                        .setImageId("image " + sent)
                        .setSuperclass("moons")
                        .setSubclass("new moon")
                        .setImage(ByteBuffer.wrap(moon(sent)))
                        .build();
                byte[] key = String.valueOf(sent).getBytes(StandardCharsets.UTF_8); // over all partitions
                Objects.requireNonNull(
                        producer.send(new ProducerRecord<>(prefix + "labeled-images", key, labels.encode(image))));
            }
        }
    }

    private static byte[] moon(int number) throws IOException {
        BufferedImage image = new BufferedImage(PIXELS, PIXELS, BufferedImage.TYPE_INT_RGB);
        Graphics2D g = image.createGraphics();
        g.setColor(new Color(220, 220, number % 200));
        g.fillOval(number % 20, 8, 40, 40);
        g.dispose();
        ByteArrayOutputStream png = new ByteArrayOutputStream();
        ImageIO.write(image, "png", png);
        return png.toByteArray();
    }

    void awaitVersion() {
        Awaitility.await("a version").atMost(PATIENCE).until(() -> !versions().isEmpty());
    }

    void awaitAllTaken() {
        Awaitility.await("every labeled image")
                .atMost(PATIENCE)
                .until(() -> ranges(versions()).stream()
                                .mapToLong(range -> range.getLastOffset() - range.getFirstOffset() + 1)
                                .sum()
                        >= sent);
    }

    void assertThatEveryImageIsInOneOfConsecutiveVersions() {
        List<ParameterVersion> versions = versions();
        System.out.printf(
                "fine-tuning: %d labeled images in %d versions, %d optimizer steps%n",
                sent, versions.size(), versions.get(versions.size() - 1).getStep());
        assertThat(versions)
                .extracting(ParameterVersion::getVersion)
                .isEqualTo(LongStream.rangeClosed(1, versions.size()).boxed().toList());
        assertThat(versions).extracting(ParameterVersion::getStep).isSorted();
        assertThat(versions.stream().flatMap(version -> version.getTaxonomyDelta().stream()))
                .extracting("subclass")
                .containsExactly("new moon");
        Map<Integer, Long> next = new HashMap<>();
        for (OffsetRange range : ranges(versions)) {
            assertThat(range.getFirstOffset()).isEqualTo(next.getOrDefault(range.getPartition(), 0L));
            next.put(range.getPartition(), range.getLastOffset() + 1);
        }
        assertThat(next.values().stream().mapToLong(Long::longValue).sum()).isEqualTo(sent);
    }

    private static List<OffsetRange> ranges(List<ParameterVersion> versions) {
        return versions.stream()
                .flatMap(version -> version.getTrainedOffsets().stream())
                .toList();
    }

    private List<ParameterVersion> versions() {
        String topic = prefix + "parameters";
        List<ParameterVersion> versions = new ArrayList<>();
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(
                Map.of("bootstrap.servers", bootstrapServers, "isolation.level", "read_committed"),
                new ByteArrayDeserializer(),
                new ByteArrayDeserializer())) {
            List<TopicPartition> partitions = IntStream.range(
                            0, consumer.partitionsFor(topic).size())
                    .mapToObj(partition -> new TopicPartition(topic, partition))
                    .toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            while (ends.entrySet().stream().anyMatch(end -> consumer.position(end.getKey()) < end.getValue())) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
                    if (record.value() != null && commits.holds(record.value())) {
                        versions.add(commits.decode(record.value()));
                    }
                }
            }
        } catch (WireFormatException e) {
            throw new IllegalStateException(e);
        }
        return versions;
    }
}
