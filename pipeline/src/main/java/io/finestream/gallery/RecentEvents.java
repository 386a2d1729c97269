package io.finestream.gallery;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;

/** The newest events of requests: as many as a browser may be behind. */
final class RecentEvents {

    /**
     * @param number of the event, from 1
     * @param details JSON for the page
     */
    record Told(long number, String details) {}

    private static final int MOST = 500;

    private final Deque<Told> events = new ArrayDeque<>();
    private long newest;

    synchronized void add(String details) {
        events.addLast(new Told(++newest, details));
        if (events.size() > MOST) {
            events.removeFirst();
        }
    }

    /** Number of the last event; 0 before the first. */
    synchronized long newest() {
        return newest;
    }

    /** The events after that number, oldest first. */
    synchronized List<Told> after(long number) {
        return newest == number
                ? List.of()
                : events.stream().filter(event -> event.number > number).toList();
    }
}
