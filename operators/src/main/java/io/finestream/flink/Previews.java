package io.finestream.flink;

import io.finestream.codec.Images;
import io.finestream.weights.GenerativeModel;
import java.awt.image.BufferedImage;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Small pictures of estimates, made on a thread of their own for a part of its time: with a large decoder there are few,
 * and no denoising step waits for one.
 */
final class Previews implements AutoCloseable {

    /**
     * An estimate to be drawn.
     *
     * @param latent [C, H, W] flattened
     * @param drawn given the PNG, on the thread of the previews; null if there was an error
     */
    record Sketch(float[] latent, Consumer<@Nullable ByteBuffer> drawn) {}

    private static final Logger LOG = LoggerFactory.getLogger(Previews.class);

    private static final int SIDE = 128; // most pixels
    private static final int REST = 4; // times as long as it drew
    private static final Duration LONGEST = Duration.ofMillis(250); // of several at once
    private static final int MOST = 16;

    private final ModelThread thread;
    private volatile long restsUntil = System.nanoTime();
    private volatile boolean draws;
    private volatile long nanosEach = LONGEST.toNanos(); // until it is known

    /** @param thread is closed with the previews */
    Previews(ModelThread thread) {
        this.thread = thread;
    }

    /** How many may be drawn now; those beyond go without. */
    int places() {
        if (draws || System.nanoTime() - restsUntil < 0) {
            return 0;
        }
        return (int) Math.max(1, Math.min(MOST, LONGEST.toNanos() / Math.max(1, nanosEach)));
    }

    /** Draws them without waiting. */
    void draw(List<Sketch> sketches) {
        if (sketches.isEmpty()) {
            return;
        }
        draws = true;
        thread.execute(model -> {
            long start = System.nanoTime();
            for (Sketch sketch : sketches) {
                if (thread.isClosed()) {
                    return;
                }
                sketch.drawn().accept(png(model, sketch.latent()));
            }
            long nanos = System.nanoTime() - start;
            nanosEach = nanos / sketches.size();
            restsUntil = System.nanoTime() + REST * nanos;
            draws = false;
        });
    }

    private @Nullable ByteBuffer png(GenerativeModel model, float[] latent) {
        try {
            BufferedImage image = model.decode(latent);
            return ByteBuffer.wrap(Images.toPng(Images.pad(image, Math.min(SIDE, image.getWidth()))));
        } catch (RuntimeException e) { // out of the device's memory, say: the image itself may still be made
            LOG.warn("a preview can not be drawn", e);
            return null;
        }
    }

    @Override
    public void close() {
        thread.close();
    }
}
