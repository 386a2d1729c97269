package io.finestream.cli;

import io.finestream.codec.Images;
import io.finestream.kafka.TopicLookup;
import io.finestream.kafka.Topics;
import io.finestream.schemas.DeadLetter;
import io.finestream.schemas.GeneratedImage;
import io.finestream.schemas.wire.AvroCodec;
import io.finestream.schemas.wire.WireFormatException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import me.tongfei.progressbar.ProgressBar;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
        name = "images",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Writes generated images from Kafka to a folder.",
            "The files are SUPERCLASS/CLASS/REQUEST-SAMPLE.png; images.jsonl says what is known about each. It ends at"
                    + " --count, when nothing more comes, or with Ctrl-C."
        },
        footer = {
            "",
            "Examples:",
            "  finestream images --out images --grid images.png",
            "  finestream images --out images --json | jq .file",
            "  finestream images --out images --request 6f9a3c52-0b1e-4f5d-9f0e-2f6d0c1b7a11 --count 8"
        })
final class ImagesCommand implements Callable<Integer> {

    private static final Duration PATIENCE = Duration.ofSeconds(30);

    /** Which images are meant. */
    static final class Start {
        @Option(names = "--from-beginning", description = "all images that the topic holds (default)")
        @SuppressWarnings("UnusedVariable") // it gives the default a name
        private boolean fromBeginning;

        @Option(names = "--follow", description = "only images that come from now on")
        private boolean follow;
    }

    @Option(names = "--out", required = true, paramLabel = "DIR", description = "folder to write to")
    private Path out = Path.of("");

    @Option(names = "--count", paramLabel = "N", description = "stop after N images")
    private long count = Long.MAX_VALUE;

    @Option(names = "--request", paramLabel = "ID", description = "only images of this request; repeatable")
    private Set<String> requests = Set.of();

    @ArgGroup
    private Start start = new Start();

    @Option(
            names = "--idle-timeout",
            paramLabel = "TIME",
            converter = TimeConverters.OfDuration.class,
            description =
                    "stop when no image has come for so long, as in 30s or 5m (default 30s; with --follow: never)")
    private @Nullable Duration idleTimeout;

    @Option(
            names = "--grid",
            paramLabel = "FILE",
            description = "PNG of the images on one sheet, at the end (the first " + ImageGrid.MOST_IMAGES + ")")
    private @Nullable Path grid;

    @Option(
            names = "--dead-letters",
            description = "also print the requests that were refused, and why; instead of a progress bar")
    private boolean deadLetters;

    @Option(
            names = "--json",
            description = "print each image's line of images.jsonl when its file is there; instead of a progress bar")
    private boolean json;

    @Mixin
    private KafkaOptions kafka = new KafkaOptions();

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec command;

    private final Set<String> requestsSeen = new HashSet<>();
    private final ImageGrid sheet = new ImageGrid();
    private long images;

    @Override
    public Integer call() throws IOException {
        Usage.requireAtLeast(command, "--count", count, 1);
        Topics topics = kafka.topics();
        Map<String, String> client = kafka.clientProperties();
        AvroCodec<GeneratedImage> imageCodec = new AvroCodec<>(GeneratedImage.class, kafka.wireFormat());
        AvroCodec<DeadLetter> letterCodec = new AvroCodec<>(DeadLetter.class, kafka.wireFormat());
        Map<String, Integer> partitions = new LinkedHashMap<>();
        partitions.put(topics.images(), TopicLookup.partitions(client, topics.images()));
        if (deadLetters) {
            partitions.put(topics.deadLetters(), TopicLookup.partitions(client, topics.deadLetters()));
        }
        long began = System.nanoTime();
        try (CommittedRecords records = CommittedRecords.of(client, partitions, start.follow)) {
            try (ImageArchive archive = ImageArchive.in(out);
                    ProgressBar bar =
                            deadLetters || json ? null : Progress.bar("images", count == Long.MAX_VALUE ? -1 : count)) {
                read(records, record -> {
                    if (record.topic().equals(topics.images())) {
                        take(imageCodec.decode(record.value()), archive, bar);
                    } else {
                        print(letterCodec.decode(record.value()));
                    }
                });
            }
            if (grid != null && !sheet.isEmpty()) {
                sheet.write(grid);
            }
            report(Duration.ofNanos(System.nanoTime() - began));
        }
        return 0;
    }

    private interface Handler {
        void accept(ConsumerRecord<byte[], byte[]> record) throws WireFormatException, IOException;
    }

    private void read(CommittedRecords records, Handler handler) throws IOException {
        Duration patience = idleTimeout != null ? idleTimeout : start.follow ? null : PATIENCE;
        long lastImage = System.nanoTime();
        while (images < count && !records.stopped()) {
            long before = images;
            for (ConsumerRecord<byte[], byte[]> record : records.poll()) {
                if (images < count && record.value() != null) {
                    try {
                        handler.accept(record);
                    } catch (WireFormatException e) {
                        say("skipped %s-%d, offset %d: %s"
                                .formatted(record.topic(), record.partition(), record.offset(), e.getMessage()));
                    }
                }
            }
            lastImage = images > before ? System.nanoTime() : lastImage;
            if (patience != null && System.nanoTime() - lastImage > patience.toNanos()) {
                return;
            }
        }
    }

    private void take(GeneratedImage image, ImageArchive archive, @Nullable ProgressBar bar) throws IOException {
        if (!wanted(image.getRequestId())) {
            return;
        }
        ImageArchive.Added added = archive.add(image);
        if (json) {
            command.commandLine().getOut().println(added.line());
            command.commandLine().getOut().flush();
        }
        images++;
        requestsSeen.add(image.getRequestId());
        if (bar != null) {
            bar.step();
        }
        if (grid != null) {
            try {
                sheet.add(image.getSubclass(), Images.decode(ImageArchive.bytes(image)));
            } catch (IOException e) {
                say(added.file() + " is not on the sheet: " + e.getMessage());
            }
        }
    }

    private void print(DeadLetter letter) {
        String id = letter.getRequestId();
        if (id == null ? requests.isEmpty() : wanted(id)) {
            say("refused %s (%s-%d, offset %d): %s: %s"
                    .formatted(
                            id == null ? "a record" : "request " + id,
                            letter.getTopic(),
                            letter.getPartition(),
                            letter.getOffset(),
                            letter.getReasonCode(),
                            letter.getReason()));
        }
    }

    private boolean wanted(String requestId) {
        return requests.isEmpty() || requests.contains(requestId);
    }

    private void say(String message) {
        PrintWriter err = command.commandLine().getErr();
        err.println(Printable.of(message));
        err.flush();
    }

    private void report(Duration time) {
        PrintWriter printer =
                json ? command.commandLine().getErr() : command.commandLine().getOut();
        printer.printf(
                Locale.ROOT,
                "%s of %s to %s in %.1f s%s%n",
                Counted.of(images, "image"),
                Counted.of(requestsSeen.size(), "request"),
                out,
                time.toNanos() / 1e9,
                count != Long.MAX_VALUE && images < count ? "; " + (count - images) + " did not come" : "");
        printer.flush();
    }
}
