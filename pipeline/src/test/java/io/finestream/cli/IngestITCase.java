package io.finestream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.finestream.codec.Images;
import io.finestream.kafka.EmbeddedKafka;
import io.finestream.kafka.Topics;
import io.finestream.schemas.ImageUse;
import io.finestream.schemas.LabeledImage;
import io.finestream.schemas.wire.AvroCodec;
import io.finestream.schemas.wire.WireFormat;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.io.TempDir;

class IngestITCase {

    private static final AvroCodec<LabeledImage> CODEC =
            new AvroCodec<>(LabeledImage.class, new WireFormat.SingleObject());

    @TempDir
    static Path broker;

    @TempDir
    Path dir;

    private static EmbeddedKafka kafka;

    private String prefix;
    private Topics topics;

    @BeforeAll
    static void start() throws IOException {
        kafka = EmbeddedKafka.start(broker, 0);
    }

    @AfterAll
    static void close() {
        kafka.close();
    }

    @BeforeEach
    void createTopics(TestInfo test) {
        prefix = test.getTestMethod().orElseThrow().getName() + ".";
        topics = Topics.DEFAULT.withPrefix(prefix);
        assertThat(run("topics", "create", "--partitions", 1).exitCode()).isZero();
    }

    @Test
    void foldersAreSentInRoundsOverTheirClasses() throws Exception {
        byte[] png = put("roses/moss/1.png");
        put("roses/moss/2.png");
        put("roses/moss/3.png");
        put("roses/dög/1.png");
        Files.copy(dir.resolve("roses/moss/1.png"), dir.resolve("roses/dög/2.jpg")); // a PNG all the same
        put("lilies/tiger/1.png");

        CommandLineRun run = run("ingest", dir, "--source", "garden");

        assertThat(run.exitCode()).isZero();
        assertThat(run.out())
                .matches("6 images of 3 classes in 2 superclasses \\(0\\.0 MB\\) sent to %s at %s in [0-9.]+ s\n"
                        .formatted(topics.labeled(), kafka.bootstrapServers()));
        List<LabeledImage> sent = sent(6);
        assertThat(sent)
                .extracting(LabeledImage::getImageId)
                .containsExactly(
                        "lilies/tiger/1.png",
                        "roses/dög/1.png",
                        "roses/moss/1.png",
                        "roses/dög/2.jpg",
                        "roses/moss/2.png",
                        "roses/moss/3.png");
        LabeledImage image = sent.get(3);
        assertThat(image.getSubclass()).isEqualTo("dög");
        assertThat(image.getSuperclass()).isEqualTo("roses");
        assertThat(image.getImage().array()).isEqualTo(png);
        assertThat(image.getFormat()).isEqualTo("image/png");
        assertThat(image.getUse()).isEqualTo(ImageUse.LEARN);
        assertThat(image.getSource()).isEqualTo("garden");
        assertThat(image.getLabeledAt()).isNull();
    }

    @Test
    void theOptionsSayWhichImagesAndWhatFor() throws Exception {
        for (int i = 0; i < 4; i++) {
            put("roses/moss/" + i + ".png");
            put("roses/dog/" + i + ".png");
        }
        assertThat(run("ingest", dir, "--limit", 3, "--shuffle", 5, "--use", "replay", "--rate", 100)
                        .out())
                .startsWith("6 images of 2 classes");
        assertThat(run("ingest", dir, "--limit", 3, "--shuffle", 5, "--layout", "folders")
                        .out())
                .startsWith("6 images of 2 classes");

        List<LabeledImage> sent = sent(12);
        List<String> ids = sent.stream().map(LabeledImage::getImageId).toList();
        assertThat(ids.subList(0, 6))
                .isEqualTo(ids.subList(6, 12))
                .doesNotHaveDuplicates()
                .isNotEqualTo(ids.stream().limit(6).sorted().toList());
        assertThat(sent.subList(0, 6)).extracting(LabeledImage::getUse).containsOnly(ImageUse.REPLAY);
        assertThat(sent.subList(6, 12)).extracting(LabeledImage::getUse).containsOnly(ImageUse.LEARN);
    }

    @Test
    void theRateIsKept() throws Exception {
        for (int i = 0; i < 6; i++) {
            put("roses/moss/" + i + ".png");
        }
        long start = System.nanoTime();

        assertThat(run("ingest", dir, "--rate", 5).exitCode()).isZero();

        assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThan(Duration.ofMillis(1_000));
    }

    @Test
    void whatCanNotBeSentIsSkippedAndSaid() throws Exception {
        put("roses/moss/1.png");
        Files.write(dir.resolve("roses/moss/2.jpg"), new byte[9 << 20]);
        Files.createFile(dir.resolve("roses/moss/3.jpg"));
        byte[] almost = new byte[8 << 20];
        Files.write(dir.resolve("roses/moss/4.jpg"), almost);

        CommandLineRun run = run("ingest", dir);

        assertThat(run.exitCode()).isZero();
        assertThat(run.out()).startsWith("1 image of 1 class in 1 superclass").endsWith(" s; 3 files skipped\n");
        assertThat(run.err().lines().filter(line -> line.startsWith("skipped")))
                .satisfiesExactly(
                        line -> assertThat(line)
                                .startsWith("skipped roses/moss/2.jpg: a record of 9,437,184 bytes is too large, the"
                                        + " topic takes 8,388,608; scale the image down"),
                        line -> assertThat(line).isEqualTo("skipped roses/moss/3.jpg: it is empty"),
                        line -> assertThat(line).startsWith("skipped roses/moss/4.jpg: a record of 8,389,"));
        assertThat(sent(1)).extracting(LabeledImage::getImageId).containsExactly("roses/moss/1.png");
    }

    @Test
    void theLargestFileThatIsNotSkippedFitsTheTopic() throws Exception {
        put("roses/moss/1.png");
        Files.write(dir.resolve("roses/moss/2.jpg"), new byte[(8 << 20) - 700]);

        CommandLineRun run = run("ingest", dir);

        assertThat(run.out()).startsWith("2 images of 1 class").endsWith(" s\n");
        assertThat(sent(2).get(1).getImage().remaining()).isEqualTo((8 << 20) - 700);
    }

    @Test
    void iNaturalistIsReadByItsAnnotations() throws Exception {
        put("train_mini/00001_Animalia_Aves_Turdus_merula/a.jpg");
        put("train_mini/00002_Plantae_Acer_rubrum/b.jpg");
        Files.writeString(dir.resolve("train_mini.json"), """
                {"info": {"year": 2021},
                 "images": [
                  {"id": 0, "file_name": "train_mini/00001_Animalia_Aves_Turdus_merula/a.jpg", "latitude": NaN},
                  {"id": 7, "file_name": "train_mini/00002_Plantae_Acer_rubrum/b.jpg", "latitude": 1.5},
                  {"id": 3, "file_name": "train_mini/00002_Plantae_Acer_rubrum/not-annotated.jpg"}],
                 "categories": [
                  {"id": 1, "name": "Turdus merula", "common_name": "Blackbird", "supercategory": "Birds"},
                  {"id": 2, "name": "Acer rubrum", "common_name": "Red Maple", "supercategory": "Plants"}],
                 "annotations": [{"id": 0, "image_id": 0, "category_id": 1}, {"id": 1, "image_id": 7, "category_id": 2}],
                 "licenses": []}
                """);

        assertThat(run("ingest", dir).out()).startsWith("2 images of 2 classes in 2 superclasses");
        assertThat(run("ingest", dir.resolve("train_mini"), "--annotations", dir.resolve("train_mini.json"))
                        .out())
                .startsWith("2 images of 2 classes in 2 superclasses");

        assertThat(sent(4))
                .extracting(image -> image.getSuperclass() + " | " + image.getSubclass() + " | " + image.getImageId())
                .containsExactly(
                        "Birds | Turdus merula | 00001_Animalia_Aves_Turdus_merula/a.jpg",
                        "Plants | Acer rubrum | 00002_Plantae_Acer_rubrum/b.jpg",
                        "Birds | Turdus merula | 00001_Animalia_Aves_Turdus_merula/a.jpg",
                        "Plants | Acer rubrum | 00002_Plantae_Acer_rubrum/b.jpg");
    }

    @Test
    void vegFruIsReadByItsListAndNamedByAHierarchy() throws Exception {
        put("veg200_images/amaranth/v_01_01_0001.jpg");
        put("fru92_images/sour_cherry/f_01_02_0003.jpg");
        Files.createDirectory(dir.resolve("vegfru_list"));
        Files.writeString(dir.resolve("vegfru_list/vegfru_train.txt"), """
                veg200_images/amaranth/v_01_01_0001.jpg 0
                fru92_images/sour_cherry/f_01_02_0003.jpg 291
                """);
        Path hierarchy = Files.writeString(
                dir.resolve("upper.csv"), "Amaranth,leafy vegetables\nsour_cherry\tdrupe\nunused,other\n");

        assertThat(run("ingest", dir).exitCode()).isZero();
        assertThat(run("ingest", dir, "--hierarchy", hierarchy).exitCode()).isZero();

        assertThat(sent(4))
                .extracting(image -> image.getSuperclass() + " | " + image.getSubclass() + " | " + image.getImageId())
                .containsExactly(
                        "vegetables | amaranth | veg200_images/amaranth/v_01_01_0001.jpg",
                        "fruit | sour_cherry | fru92_images/sour_cherry/f_01_02_0003.jpg",
                        "leafy vegetables | amaranth | veg200_images/amaranth/v_01_01_0001.jpg",
                        "drupe | sour_cherry | fru92_images/sour_cherry/f_01_02_0003.jpg");
    }

    @Test
    void aListCanNotSendFilesFromElsewhere() throws Exception {
        Path data = Files.createDirectories(dir.resolve("data/veg200_images")).getParent();
        Files.writeString(dir.resolve("data/vegfru_train.txt"), "../../passwords.txt 0\n");
        Files.writeString(dir.resolve("passwords.txt"), "secret");

        CommandLineRun run = run("ingest", data);

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err())
                .contains("skipped ../../passwords.txt: it leads out of " + data)
                .contains("finestream: none of 1 image in " + data + " could be sent\n");
    }

    @Test
    void mistakesAreSaidInOneLine() throws Exception {
        Path empty = Files.createDirectory(dir.resolve("empty"));
        Path hollow = Files.createDirectories(dir.resolve("hollow/roses/moss"))
                .getParent()
                .getParent();
        put("good/roses/moss/1.png");
        Path good = dir.resolve("good");
        Path list = Files.writeString(dir.resolve("list.txt"), "not a line\n");
        Path pairs = Files.writeString(dir.resolve("pairs.csv"), "lily,lilies\n");

        assertMistake(1, "there is no folder " + dir.resolve("nowhere"), dir.resolve("nowhere"));
        assertMistake(1, empty + " is no data set; expected folders superclass/subclass/", empty);
        assertMistake(1, "has no images (.png, .jpg, .jpeg)", hollow);
        assertMistake(1, empty + " has no annotations of iNaturalist 2021", empty, "--layout", "inat2021");
        assertMistake(1, empty + " has no vegfru_list/vegfru_train.txt", empty, "--layout", "vegfru");
        assertMistake(1, list + ", line 1: 'not a line' is no image of VegFru", good, "--annotations", list);
        assertMistake(1, pairs + " has no line for 1 of the classes, the first is 'moss'", good, "--hierarchy", pairs);
        assertMistake(1, "there is no topic elsewhere at " + kafka.bootstrapServers(), good, "--topic", "elsewhere");
        assertMistake(
                1,
                "no Kafka broker answers at 127.0.0.1:1 within 10 s",
                good,
                "--property",
                "bootstrap.servers=127.0.0.1:1");
        assertMistake(2, "--rate is 0.0, expected more than 0", good, "--rate", 0);
        assertMistake(2, "--limit is 0, expected at least 1", good, "--limit", 0);
        assertMistake(2, "--layout", good, "--layout", "flat");
    }

    private void assertMistake(int exitCode, String message, Object... args) {
        Stream<Object> all = Stream.concat(Stream.of("ingest"), Stream.of(args));
        boolean own = List.of(args).contains("--property");
        CommandLineRun run = own ? CommandLineRun.of(all.toArray()) : run(all.toArray());
        assertThat(run.err()).startsWith("finestream: ").contains(message).hasLineCount(1);
        assertThat(run.out()).isEmpty();
        assertThat(run.exitCode()).isEqualTo(exitCode);
    }

    private byte[] put(String file) throws IOException {
        byte[] png = Images.toPng(new BufferedImage(8, 8, BufferedImage.TYPE_INT_RGB));
        Path path = dir.resolve(file);
        Files.createDirectories(path.getParent());
        Files.write(path, png);
        return png;
    }

    private CommandLineRun run(Object... args) {
        return CommandLineRun.of(Stream.concat(
                        Stream.of(args),
                        Stream.of("--bootstrap-servers", kafka.bootstrapServers(), "--topic-prefix", prefix))
                .toArray());
    }

    /** The images in the topic, once there are so many; each has its class for a key. */
    private List<LabeledImage> sent(int expected) throws Exception {
        Map<String, String> client = Map.of("bootstrap.servers", kafka.bootstrapServers());
        List<LabeledImage> images = new ArrayList<>();
        try (CommittedRecords reader = CommittedRecords.of(client, Map.of(topics.labeled(), 1), false)) {
            do {
                for (ConsumerRecord<byte[], byte[]> record : reader.poll()) {
                    LabeledImage image = CODEC.decode(record.value());
                    assertThat(new String(record.key(), StandardCharsets.UTF_8)).isEqualTo(image.getSubclass());
                    images.add(image);
                }
            } while (images.size() < expected);
            return images;
        }
    }
}
