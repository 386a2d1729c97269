package io.finestream.gallery;

import io.finestream.flowers.FlowerFamily;
import io.finestream.flowers.Species;
import io.finestream.kafka.EmbeddedKafka;
import io.finestream.kafka.Topics;
import io.finestream.schemas.DeadLetter;
import io.finestream.schemas.GeneratedImage;
import io.finestream.schemas.wire.AvroCodec;
import io.finestream.schemas.wire.WireFormat;
import java.net.URI;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Run it to look at the page while working on it: a broker, the gallery, and drawn flowers in place of generated ones. */
final class GalleryPreview {

    private static final int SIZE = 32;
    private static final int FIRST_IMAGES = 50;
    private static final int PAUSE_MILLIS = 700;

    private GalleryPreview() {}

    public static void main(String[] args) throws Exception {
        int port = args.length > 0 ? Integer.parseInt(args[0]) : 8085;
        WireFormat format = new WireFormat.SingleObject();
        AvroCodec<GeneratedImage> images = new AvroCodec<>(GeneratedImage.class, format);
        AvroCodec<DeadLetter> deadLetters = new AvroCodec<>(DeadLetter.class, format);
        try (EmbeddedKafka kafka = EmbeddedKafka.start(Files.createTempDirectory("gallery-preview"), 0)) {
            Map<String, Object> client = Map.of("bootstrap.servers", kafka.bootstrapServers());
            Topics topics = Topics.DEFAULT;
            topics.create(client, 4, (short) 1);
            try (Gallery gallery = Gallery.start(
                            client,
                            topics,
                            format,
                            PageAddress.local(port),
                            SampleRecords.classes(),
                            Teaching.UNKNOWN,
                            URI.create("http://127.0.0.1:8081"));
                    KafkaProducer<byte[], byte[]> producer =
                            new KafkaProducer<>(client, new ByteArraySerializer(), new ByteArraySerializer())) {
                System.out.println(gallery.uri());
                List<FlowerFamily> families = List.of(FlowerFamily.values());
                SplittableRandom random = new SplittableRandom(1);
                for (long seed = 1; ; seed++) {
                    FlowerFamily family = families.get(random.nextInt(families.size()));
                    GeneratedImage image =
                            SampleRecords.image(Species.of(family, random.nextInt(20)), seed, SIZE, seed / 40);
                    producer.send(new ProducerRecord<>(topics.images(), images.encode(image)))
                            .get();
                    if (seed % 30 == 0) {
                        DeadLetter letter = SampleRecords.unknownClass("scarlet <b>rsoe</b>");
                        producer.send(new ProducerRecord<>(topics.deadLetters(), deadLetters.encode(letter)))
                                .get();
                    }
                    if (seed > FIRST_IMAGES) {
                        Thread.sleep(PAUSE_MILLIS);
                    }
                }
            }
        }
    }
}
