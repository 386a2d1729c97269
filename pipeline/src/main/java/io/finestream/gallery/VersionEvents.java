package io.finestream.gallery;

import java.io.IOException;
import java.time.Duration;

/**
 * {@code about} once, with the known classes, then a {@code version} for each one, again when more is known about it, and a
 * {@code status} every second.
 */
record VersionEvents(VersionView view) implements EventStream.Events {

    static final String PATH = "/api/versions";

    @Override
    public void send(EventStream.Out out, long after) throws IOException, InterruptedException {
        long last = after;
        out.event("about", view.about());
        Duration wait = Duration.ZERO;
        while (!view.isClosed()) {
            for (VersionView.Told told : view.after(last, wait)) {
                last = told.number();
                out.event(last, "version", told.details());
            }
            out.event("status", "{}");
            out.flush();
            wait = EventStream.STATUS_EVERY;
        }
    }
}
