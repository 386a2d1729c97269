package io.finestream.gallery;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import io.finestream.codec.Framing;
import io.finestream.codec.ImageFormat;
import io.finestream.dit.Taxonomy;
import io.finestream.flink.LabeledImageDecoder;
import io.finestream.flink.RequestException;
import io.finestream.kafka.Topics;
import io.finestream.schemas.LabeledImage;
import io.finestream.schemas.wire.AvroCodec;
import io.finestream.schemas.wire.WireFormat;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.apache.kafka.common.KafkaException;

/**
 * {@code POST /api/labeled-images?superclass=&subclass=&name=} with an image file as the body makes it a labeled image, if
 * the fine-tuning job would take it. The same file of the same class is the same image.
 */
final class LabeledImagePosts implements HttpHandler {

    static final String PATH = "/api/labeled-images";

    /** What is left of a record for the file. */
    static final int LARGEST_FILE_BYTES = Topics.LARGEST_MESSAGE_BYTES - (64 << 10);

    private static final int BYTES_AT_ONCE = 4 * LARGEST_FILE_BYTES; // of all uploads under way
    private static final int LONGEST_FILE_NAME = 200;
    private static final int HASH_DIGITS = 16;

    /** Any size does: a file is refused for what it is, not for what a model makes of it. */
    private static final int SIDE = 64;

    private final String topic;
    private final AvroCodec<LabeledImage> codec;
    private final LabeledImageDecoder decoder;
    private final Supplier<Taxonomy> known;
    private final Outbox outbox;
    private final Semaphore room = new Semaphore(BYTES_AT_ONCE);

    /** @param known the classes as of now */
    LabeledImagePosts(Outbox outbox, String topic, WireFormat format, Supplier<Taxonomy> known) {
        this.outbox = outbox;
        this.topic = topic;
        this.known = known;
        codec = new AvroCodec<>(LabeledImage.class, format);
        decoder = new LabeledImageDecoder(codec, Framing.CENTRE_CROP, SIDE);
    }

    @Override
    public void handle(HttpExchange exchange) throws IOException {
        try {
            int length = length(exchange);
            if (!acquired(length)) {
                throw new Refusal(503, "too much is being sent at once; try again in a moment");
            }
            try (InputStream body = exchange.getRequestBody()) {
                LabeledImage label = label(new Query(exchange), body.readNBytes(length));
                send(label);
                JsonAnswer.created(exchange, "imageId", label.getImageId());
            } finally {
                room.release(length);
            }
        } catch (Refusal e) {
            JsonAnswer.refused(exchange, e);
        }
    }

    /** Known before anything is read. */
    private static int length(HttpExchange exchange) throws Refusal {
        String header = exchange.getRequestHeaders().getFirst("Content-Length");
        if (header == null || !header.matches("[0-9]{1,18}")) {
            throw new Refusal(411, "the length of the file is not said; send Content-Length");
        }
        long length = Long.parseLong(header);
        if (length > LARGEST_FILE_BYTES) {
            throw new Refusal(
                    413,
                    String.format(
                            Locale.ROOT,
                            "the file has %.1f MB, expected at most %.1f MB; scale the image down",
                            length / 1e6,
                            LARGEST_FILE_BYTES / 1e6));
        }
        if (length == 0) {
            throw new Refusal(422, "the file is empty; choose an image");
        }
        return (int) length;
    }

    private boolean acquired(int bytes) {
        try {
            return room.tryAcquire(bytes, Outbox.PATIENCE.toSeconds(), TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private static LabeledImage label(Query query, byte[] file) throws Refusal {
        String name = query.get("name").strip().replaceAll("\\p{Cntrl}", "?");
        if (name.length() > LONGEST_FILE_NAME) {
            name = name.substring(0, LONGEST_FILE_NAME) + "…";
        }
        ImageFormat format = ImageFormat.of(file)
                .orElseThrow(() -> new Refusal(
                        415,
                        "this is no PNG, JPEG, GIF or BMP, whatever the file is called: its content begins like none"
                                + " of them; save the image as PNG or JPEG"));
        String subclass = query.get("subclass").strip();
        return LabeledImage.newBuilder()
                .setImageId("%s/%s".formatted(subclass, hash(file)))
                .setSuperclass(query.get("superclass").strip())
                .setSubclass(subclass)
                .setImage(ByteBuffer.wrap(file))
                .setFormat(format.mediaType())
                .setSource(name.isEmpty() ? "the page" : "the page: " + name)
                .setLabeledAt(Instant.now())
                .build();
    }

    private static String hash(byte[] file) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(file);
            return HexFormat.of().formatHex(digest).substring(0, HASH_DIGITS);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // every JDK has it
        }
    }

    /** Checks it as the fine-tuning job does, and returns when the brokers have it. */
    private void send(LabeledImage label) throws Refusal {
        byte[] value = codec.encode(label);
        try {
            decoder.decode(value);
            known.get().plus(List.of(new Taxonomy.ClassName(label.getSuperclass(), label.getSubclass())));
        } catch (RequestException | IllegalArgumentException e) {
            throw new Refusal(422, String.valueOf(e.getMessage()));
        }
        try {
            outbox.send(topic, label.getSubclass(), value);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Refusal(503, "the page is being closed; open it again");
        } catch (TimeoutException | KafkaException e) {
            throw new Refusal(
                    503, "Kafka did not take the image into %s (%s); is it running?".formatted(topic, e.getMessage()));
        }
    }
}
