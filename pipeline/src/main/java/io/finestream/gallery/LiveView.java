package io.finestream.gallery;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.finestream.schemas.DeadLetter;
import io.finestream.schemas.GeneratedImage;
import io.finestream.schemas.GenerationEvent;
import io.finestream.schemas.Provenance;
import io.finestream.schemas.wire.AvroCodec;
import io.finestream.schemas.wire.RegistryException;
import io.finestream.schemas.wire.WireFormat;
import io.finestream.schemas.wire.WireFormatException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Base64;
import java.util.Deque;
import java.util.Iterator;
import java.util.Set;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What the page shows: records from the topics come in, JSON comes out. */
final class LiveView implements TopicFeed.Listener {

    private static final Logger LOG = LoggerFactory.getLogger(LiveView.class);

    private static final int IMAGES_KEPT = 600; // the demo teaches a species within this many
    private static final long BYTES_KEPT = 64L << 20;
    private static final int REFUSALS_KEPT = 10;
    private static final int LATENCY_IMAGES = 100;
    private static final Duration RATE_WINDOW = Duration.ofSeconds(10);
    private static final String UNKNOWN_FILE = "application/octet-stream";
    private static final Set<String> SHOWABLE = Set.of("image/png", "image/jpeg", "image/webp"); // none runs scripts

    private final JsonMapper json = new JsonMapper();
    private final AvroCodec<GeneratedImage> imageCodec;
    private final AvroCodec<DeadLetter> deadLetterCodec;
    private final ModelClasses classes;
    private final AvroCodec<GenerationEvent> eventCodec;
    private final RecentImages images = new RecentImages(IMAGES_KEPT, BYTES_KEPT);
    private final RecentEvents events = new RecentEvents();
    private final long startedAt = System.currentTimeMillis();

    private final Deque<Long> arrivals = new ArrayDeque<>(); // nanoTime of the live images within the window
    private final Deque<ObjectNode> refusals = new ArrayDeque<>(); // newest first
    private long imagesSinceStart;
    private long refusedSinceStart;
    private long newestVersion = -1;

    /** @param classes are told of those that images are of */
    LiveView(WireFormat format, ModelClasses classes) {
        this.classes = classes;
        imageCodec = new AvroCodec<>(GeneratedImage.class, format);
        deadLetterCodec = new AvroCodec<>(DeadLetter.class, format);
        eventCodec = new AvroCodec<>(GenerationEvent.class, format);
    }

    RecentImages images() {
        return images;
    }

    RecentEvents events() {
        return events;
    }

    @Override
    public void event(ConsumerRecord<byte[], byte[]> record) {
        try {
            events.add(details(eventCodec.decode(valueOf(record))).toString());
        } catch (WireFormatException | RegistryException e) {
            LOG.warn("{} is not shown: {}", place(record), e.getMessage());
        }
    }

    @Override
    public void image(ConsumerRecord<byte[], byte[]> record, boolean live) {
        try {
            GeneratedImage image = imageCodec.decode(valueOf(record));
            String type = SHOWABLE.contains(image.getFormat()) ? image.getFormat() : UNKNOWN_FILE;
            long number = images.nextNumber();
            String details = details(image, number, place(record)).toString();
            classes.learn(image.getSuperclass(), image.getSubclass());
            count(image, live);
            images.add(new RecentImages.Shown(
                    number, details, image.getImage(), type, image.getTimings().getTotalMillis()));
        } catch (WireFormatException | RegistryException e) {
            LOG.warn("{} is not shown: {}", place(record), e.getMessage());
        }
    }

    private synchronized void count(GeneratedImage image, boolean live) {
        newestVersion = image.getModelVersion();
        if (live) {
            imagesSinceStart++;
            arrivals.addLast(System.nanoTime());
        }
    }

    @Override
    public void deadLetter(ConsumerRecord<byte[], byte[]> record, boolean live) {
        try {
            DeadLetter letter = deadLetterCodec.decode(valueOf(record));
            ObjectNode refusal = json.createObjectNode()
                    .put("code", letter.getReasonCode().name())
                    .put("reason", letter.getReason())
                    .put("requestId", letter.getRequestId())
                    .put("at", letter.getRejectedAt().toEpochMilli());
            refuse(refusal, live);
        } catch (WireFormatException | RegistryException e) {
            LOG.warn("{} is not shown: {}", place(record), e.getMessage());
        }
    }

    private synchronized void refuse(ObjectNode refusal, boolean live) {
        refusedSinceStart += live ? 1 : 0;
        refusals.addFirst(refusal);
        while (refusals.size() > REFUSALS_KEPT) {
            refusals.removeLast();
        }
    }

    /** The figures in the page's header, and the latest refusals. */
    synchronized String status() {
        long windowStart = System.nanoTime() - RATE_WINDOW.toNanos();
        Iterator<Long> oldest = arrivals.iterator();
        while (oldest.hasNext() && oldest.next() - windowStart < 0) {
            oldest.remove();
        }
        ObjectNode status = json.createObjectNode()
                .put("startedAt", startedAt)
                .put("images", imagesSinceStart)
                .put("imagesPerSecond", (double) arrivals.size() / RATE_WINDOW.toSeconds())
                .put("refused", refusedSinceStart);
        double latency = images.medianMillis(LATENCY_IMAGES);
        if (!Double.isNaN(latency)) {
            status.put("latencyMillis", latency);
        }
        if (newestVersion >= 0) {
            status.put("modelVersion", newestVersion);
        }
        ArrayNode latest = status.putArray("refusals");
        refusals.forEach(latest::add);
        return status.toString();
    }

    private ObjectNode details(GeneratedImage image, long number, String place) {
        ObjectNode node = json.createObjectNode()
                .put("number", number)
                .put("place", place)
                .put("requestId", image.getRequestId())
                .put("sample", image.getSample())
                .put("subclass", image.getSubclass())
                .put("superclass", image.getSuperclass())
                .put("width", image.getWidth())
                .put("height", image.getHeight())
                .put("seed", Long.toString(image.getSeed())) // JavaScript would round it
                .put("steps", image.getSteps())
                .put("sampler", image.getSampler().name())
                .put("eta", image.getEta())
                .put("respacing", image.getRespacing())
                .put("guidance", image.getGuidance().getMode().name())
                .put("guidanceScale", image.getGuidance().getScale())
                .put("intervalLow", image.getGuidance().getIntervalLow())
                .put("intervalHigh", image.getGuidance().getIntervalHigh())
                .put("guidedChannels", image.getGuidance().getGuidedChannels())
                .put("stepsRequested", image.getStepsRequested())
                .put("cacheInterval", image.getCacheInterval())
                .put("source", source(image.getProvenance()))
                .put("baseModelHash", image.getBaseModelHash())
                .put("model", image.getProvenance().getModel())
                .put("modelVersion", image.getModelVersion())
                .put("generator", image.getProvenance().getGenerator())
                .put("createdAt", image.getCreatedAt().toEpochMilli());
        node.putObject("millis")
                .put("queued", image.getTimings().getQueuedMillis())
                .put("denoise", image.getTimings().getDenoiseMillis())
                .put("decode", image.getTimings().getDecodeMillis())
                .put("encode", image.getTimings().getEncodeMillis())
                .put("total", image.getTimings().getTotalMillis());
        ObjectNode headers = node.putObject("headers");
        image.getHeaders().forEach(headers::put);
        return node;
    }

    private static String source(Provenance from) {
        return "%s, partition %d, offset %d"
                .formatted(from.getSourceTopic(), from.getSourcePartition(), from.getSourceOffset());
    }

    private ObjectNode details(GenerationEvent event) {
        ObjectNode node = json.createObjectNode()
                .put("requestId", event.getRequestId())
                .put("sample", event.getSample())
                .put("samples", event.getSamples())
                .put("what", event.getWhat().name())
                .put("step", event.getStep())
                .put("steps", event.getSteps())
                .put("at", event.getAt().toEpochMilli());
        ByteBuffer preview = event.getPreview();
        if (preview != null) {
            byte[] png = new byte[preview.remaining()];
            preview.duplicate().get(png);
            node.put("preview", "data:image/png;base64," + Base64.getEncoder().encodeToString(png));
        }
        if (event.getReason() != null) {
            node.put("reason", event.getReason());
        }
        return node;
    }

    private static byte[] valueOf(ConsumerRecord<byte[], byte[]> record) {
        return record.value() == null ? new byte[0] : record.value();
    }

    private static String place(ConsumerRecord<byte[], byte[]> record) {
        return "%s, partition %d, offset %d".formatted(record.topic(), record.partition(), record.offset());
    }
}
