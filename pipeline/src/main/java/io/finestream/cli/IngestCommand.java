package io.finestream.cli;

import io.finestream.codec.ImageFormat;
import io.finestream.datasets.DataSet;
import io.finestream.datasets.Hierarchy;
import io.finestream.datasets.LabeledFile;
import io.finestream.datasets.Layout;
import io.finestream.kafka.TopicLookup;
import io.finestream.schemas.ImageUse;
import io.finestream.schemas.LabeledImage;
import io.finestream.schemas.wire.AvroCodec;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.URLConnection;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import me.tongfei.progressbar.ProgressBar;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "ingest",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Sends labeled images to the fine-tuning job by way of Kafka.",
            "Files are sent as they are; the job decodes them, and refuses what is no image to the topic of dead"
                    + " letters. An image is named by its path in DIR, so that sending it again is not another image.",
            "",
            "DIR is one of:",
            "  folders   superclass/subclass/image.png (or .jpg)",
            "  inat2021  iNaturalist 2021: train_mini/ and train_mini.json, or other images",
            "            and their annotations in the format of COCO. The subclass is the",
            "            name of an image's category, the superclass its supercategory.",
            "  vegfru    VegFru: veg200_images/, fru92_images/, vegfru_list/vegfru_train.txt;",
            "            a line of the list is 'veg200_images/amaranth/v_01_01_0001.jpg 0'.",
            "            The subclass is an image's folder, the superclass 'vegetables' or",
            "            'fruit'; --hierarchy can name the 25 upper classes instead.",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  finestream ingest flowers --limit 64",
            "  finestream ingest inat2021 --annotations inat2021/val.json --rate 50",
            "  finestream ingest vegfru --hierarchy upper.csv --use replay --shuffle 1"
        })
final class IngestCommand implements Callable<Integer> {

    private static final int RECORD_OVERHEAD = 512; // bytes around key and value, generously
    private static final int MOST_SHOWN = 10; // files that were skipped
    private static final Duration BACK_PRESSURE = Duration.ofMinutes(1); // how long Kafka may keep a record waiting

    @Parameters(paramLabel = "DIR", description = "folder with labeled images")
    private Path directory = Path.of("");

    @Option(
            names = "--layout",
            paramLabel = "folders|inat2021|vegfru",
            description = "how they lie in it (default: by what is in it)")
    private @Nullable Layout layout;

    @Option(
            names = "--annotations",
            paramLabel = "FILE",
            description = "inat2021: the JSON; vegfru: the list (default: the one in DIR)")
    private @Nullable Path annotations;

    @Option(
            names = "--hierarchy",
            paramLabel = "FILE",
            description =
                    "superclasses in place of the data set's: a line 'subclass,superclass' per class, or with a tab")
    private @Nullable Path hierarchy;

    @Option(
            names = "--use",
            paramLabel = "learn|replay",
            description =
                    "learn: to be trained on; replay: kept beside them, so that what the model knows already stays"
                            + " (default: learn)")
    private ImageUse use = ImageUse.LEARN;

    @Option(names = "--limit", paramLabel = "N", description = "at most N images of each class")
    private int limit = Integer.MAX_VALUE;

    @Option(
            names = "--shuffle",
            paramLabel = "SEED",
            description = "random order (default: the first image of every class, then the second of every class, ...)")
    private @Nullable Long shuffle;

    @Option(names = "--rate", paramLabel = "N", description = "images a second (default: as fast as Kafka takes them)")
    private double rate = Double.POSITIVE_INFINITY;

    @Option(names = "--source", paramLabel = "TEXT", description = "where the images are from, as a record says it")
    private String source = "";

    @Option(names = "--topic", paramLabel = "NAME", description = "topic to send to (default: labeled-images)")
    private @Nullable String topic;

    @Mixin
    private KafkaOptions kafka = new KafkaOptions();

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec command;

    private final Set<String> subclasses = new HashSet<>();
    private final Set<String> superclasses = new HashSet<>();
    private final List<String> firstSkipped = new ArrayList<>();
    private int skipped;
    private long bytes;

    @Override
    public Integer call() throws IOException {
        Usage.requireAtLeast(command, "--limit", limit, 1);
        if (!(rate > 0)) {
            throw Usage.wrong(command, "--rate is " + rate + ", expected more than 0");
        }
        DataSet data = dataSet();
        String target = topic != null ? topic : kafka.topics().labeled();
        Map<String, String> client = kafka.clientProperties();
        int largest;
        try (TopicLookup brokers = new TopicLookup(client)) {
            brokers.requireWritable(target);
            largest = brokers.largestRecordBytes(target);
        }
        client.putIfAbsent(ProducerConfig.MAX_REQUEST_SIZE_CONFIG, String.valueOf(largest));
        client.putIfAbsent(ProducerConfig.MAX_BLOCK_MS_CONFIG, String.valueOf(BACK_PRESSURE.toMillis()));
        long began = System.nanoTime();
        try (StopSignal stop = new StopSignal(() -> {});
                RecordSender sender = new RecordSender(client, target)) {
            send(data, sender, largest, stop);
            if (sender.failure() == null) {
                sender.flush();
            }
            report(data, sender, target, stop, Duration.ofNanos(System.nanoTime() - began));
        }
        return 0;
    }

    private DataSet dataSet() throws IOException {
        Layout chosen = layout != null ? layout : Layout.of(directory, annotations);
        DataSet data = chosen.read(directory, annotations);
        if (hierarchy != null) {
            data = Hierarchy.read(hierarchy).appliedTo(data);
        }
        return (shuffle != null ? data.shuffled(shuffle) : data.inRounds()).atMostPerClass(limit);
    }

    private void send(DataSet data, RecordSender sender, int largest, StopSignal stop) throws IOException {
        AvroCodec<LabeledImage> codec = new AvroCodec<>(LabeledImage.class, kafka.wireFormat());
        long began = System.nanoTime();
        long sent = 0;
        try (ProgressBar bar = Progress.bar("sending", data.files().size())) {
            for (LabeledFile file : data.files()) {
                if (rate != Double.POSITIVE_INFINITY) {
                    stop.await(began + (long) (sent * TimeUnit.SECONDS.toNanos(1) / rate) - System.nanoTime());
                }
                if (stop.given() || sender.failure() != null) {
                    return;
                }
                try {
                    byte[] image = read(data.path(file), largest);
                    byte[] key = file.subclass().getBytes(StandardCharsets.UTF_8);
                    byte[] value = codec.encode(label(file, image));
                    requireAtMost(largest, key.length + value.length + RECORD_OVERHEAD);
                    sender.send(null, key, value);
                    sent++;
                    bytes += image.length;
                    subclasses.add(file.subclass());
                    superclasses.add(file.superclass());
                } catch (IOException e) {
                    skipped++;
                    if (skipped <= MOST_SHOWN) {
                        firstSkipped.add(file.id() + ": " + OneLineErrors.oneLine(e));
                    }
                }
                bar.step();
            }
        }
    }

    private static byte[] read(Path file, int largest) throws IOException {
        requireAtMost(largest, Files.size(file));
        byte[] image = Files.readAllBytes(file);
        if (image.length == 0) {
            throw new IOException("it is empty");
        }
        return image;
    }

    private static void requireAtMost(int largest, long size) throws IOException {
        if (size > largest) {
            throw new IOException(String.format(
                    Locale.ROOT,
                    "a record of %,d bytes is too large, the topic takes %,d; scale the image down, or raise the topic's"
                            + " max.message.bytes",
                    size,
                    largest));
        }
    }

    private LabeledImage label(LabeledFile file, byte[] image) {
        String mediaType = ImageFormat.of(image)
                .map(ImageFormat::mediaType)
                .orElseGet(() -> Objects.requireNonNullElse(
                        URLConnection.guessContentTypeFromName(file.id()), "application/octet-stream"));
        return LabeledImage.newBuilder()
                .setImageId(file.id())
                .setSuperclass(file.superclass())
                .setSubclass(file.subclass())
                .setImage(ByteBuffer.wrap(image))
                .setFormat(mediaType)
                .setUse(use)
                .setSource(source)
                .build();
    }

    private void report(DataSet data, RecordSender sender, String target, StopSignal stop, Duration time)
            throws IOException {
        PrintWriter err = command.commandLine().getErr();
        for (String file : firstSkipped) {
            err.println("skipped " + file.replaceAll("\\p{Cntrl}", "?")); // it must not steer the terminal
        }
        if (skipped > MOST_SHOWN) {
            err.println("skipped " + Counted.of(skipped - MOST_SHOWN, "more file"));
        }
        err.flush();
        int all = data.files().size();
        Exception failure = sender.failure();
        if (failure != null) {
            throw new IOException(
                    "Kafka took %d of %d images into %s (%s); run it again, images keep their names"
                            .formatted(sender.taken(), all, target, failure.getMessage()),
                    failure);
        }
        if (skipped == all) {
            throw new IOException("none of %s in %s could be sent".formatted(Counted.of(all, "image"), directory));
        }
        PrintWriter out = command.commandLine().getOut();
        out.printf(
                Locale.ROOT,
                "%s of %s in %s (%,.1f MB) sent to %s at %s in %.1f s%s%s%n",
                Counted.of(sender.taken(), "image"),
                Counted.of(subclasses.size(), "class"),
                Counted.of(superclasses.size(), "superclass"),
                bytes / 1e6,
                target,
                kafka.address(),
                time.toNanos() / 1e9,
                skipped == 0 ? "" : "; " + Counted.of(skipped, "file") + " skipped",
                stop.given() ? "; stopped before the end; run it again, images keep their names" : "");
        out.flush();
    }
}
