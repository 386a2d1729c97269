package io.finestream.gallery;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The newest images, up to a number and a size; readers wait for what comes after the last one they have. */
final class RecentImages implements AutoCloseable {

    /**
     * @param number names the image on this page; later images have larger numbers, across restarts of the page too
     * @param details JSON for the page
     * @param file the image file; read a duplicate
     * @param mediaType of the file
     * @param totalMillis from the request to the image
     */
    record Shown(long number, String details, ByteBuffer file, String mediaType, double totalMillis) {}

    private static final long NUMBERS_PER_MILLI = 1000; // more images a millisecond would be a surprise

    private final int maxImages;
    private final long maxBytes;
    private final Deque<Shown> images = new ArrayDeque<>();
    private long bytes;
    private long nextNumber = System.currentTimeMillis() * NUMBERS_PER_MILLI;
    private boolean closed;

    RecentImages(int maxImages, long maxBytes) {
        this.maxImages = maxImages;
        this.maxBytes = maxBytes;
    }

    synchronized long nextNumber() {
        return nextNumber++;
    }

    /** Numbers must come in order. An image larger than the whole room is not kept. */
    synchronized void add(Shown image) {
        images.addLast(image);
        bytes += image.file.remaining();
        while (images.size() > maxImages || bytes > maxBytes) {
            bytes -= images.removeFirst().file.remaining();
        }
        notifyAll();
    }

    synchronized @Nullable Shown find(long number) {
        return images.stream()
                .filter(image -> image.number == number)
                .findFirst()
                .orElse(null);
    }

    /** The images after that number, oldest first; waits for one at most so long, and may give none. */
    synchronized List<Shown> after(long number, Duration wait) throws InterruptedException {
        long end = System.nanoTime() + wait.toNanos();
        while (!closed && (images.isEmpty() || images.getLast().number <= number)) {
            long nanos = end - System.nanoTime();
            if (nanos <= 0) {
                return List.of();
            }
            TimeUnit.NANOSECONDS.timedWait(this, nanos);
        }
        return images.stream().filter(image -> image.number > number).toList();
    }

    /** Of the newest images, at most so many; NaN if there are none. */
    synchronized double medianMillis(int newest) {
        List<Double> millis = new ArrayList<>(newest);
        for (Iterator<Shown> i = images.descendingIterator(); i.hasNext() && millis.size() < newest; ) {
            millis.add(i.next().totalMillis);
        }
        millis.sort(null);
        return millis.isEmpty() ? Double.NaN : millis.get(millis.size() / 2);
    }

    synchronized boolean isClosed() {
        return closed;
    }

    /** Ends the waiting of all readers. */
    @Override
    public synchronized void close() {
        closed = true;
        notifyAll();
    }
}
