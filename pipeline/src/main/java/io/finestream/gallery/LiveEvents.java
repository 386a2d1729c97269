package io.finestream.gallery;

import java.io.IOException;
import java.time.Duration;

/**
 * {@code about} once, then an {@code image} for each one the browser does not have yet, {@code progress} of requests that
 * want it told, and a {@code status} every second. A browser that falls behind misses the images in between.
 */
record LiveEvents(LiveView view, String about) implements EventStream.Events {

    static final String PATH = "/events";

    private static final Duration PROGRESS_EVERY = Duration.ofMillis(200);

    @Override
    public void send(EventStream.Out out, long after) throws IOException, InterruptedException {
        long last = after;
        out.event("about", about);
        long lastEvent = view.events().newest();
        long statusDue = System.nanoTime();
        Duration wait = Duration.ZERO;
        while (!view.images().isClosed()) {
            for (RecentImages.Shown image : view.images().after(last, wait)) {
                last = image.number();
                out.event(last, "image", image.details());
            }
            for (RecentEvents.Told event : view.events().after(lastEvent)) {
                lastEvent = event.number();
                out.event("progress", event.details());
            }
            if (System.nanoTime() - statusDue >= 0) {
                out.event("status", view.status());
                statusDue = System.nanoTime() + EventStream.STATUS_EVERY.toNanos();
            }
            out.flush();
            long untilStatus = Math.max(0, statusDue - System.nanoTime());
            wait = Duration.ofNanos(Math.min(untilStatus, PROGRESS_EVERY.toNanos()));
        }
    }
}
