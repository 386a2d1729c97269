package io.finestream.flink;

import io.finestream.diffusion.Urgency;
import io.finestream.schemas.GenerationRequest;
import io.finestream.schemas.PendingRequest;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Requests that wait, in the order in which their samples are to be admitted: by priority, deadline, how few rows the
 * request has in flight, and arrival. Records of one request, priority and deadline stand in one line. Everything but
 * {@link #waiting} takes logarithmic time. Not thread-safe.
 */
final class AdmissionQueue {

    private record Entry(long arrival, PendingRequest request) {}

    private record Key(Urgency urgency, String requestId) {}

    private static final class Line {
        final Key key;
        final Deque<Entry> entries = new ArrayDeque<>();
        int rowsInFlight;

        Line(Key key, int rowsInFlight) {
            this.key = key;
            this.rowsInFlight = rowsInFlight;
        }

        long arrival() {
            return entries.getFirst().arrival();
        }

        long deadline() {
            return key.urgency().deadlineMillis();
        }
    }

    private final Map<Key, Line> lines = new HashMap<>();
    private final Map<String, Set<Line>> linesOfRequest = new HashMap<>();
    private final TreeSet<Line> order = new TreeSet<>(Comparator.comparing((Line line) -> line.key.urgency())
            .thenComparingInt(line -> line.rowsInFlight)
            .thenComparingLong(Line::arrival));
    private final TreeSet<Line> byDeadline =
            new TreeSet<>(Comparator.comparingLong(Line::deadline).thenComparingLong(Line::arrival));
    /** Metrics read it in their thread. */
    private final NavigableMap<Long, PendingRequest> byArrival = new ConcurrentSkipListMap<>();

    private Map<String, Integer> rowsInFlight = Map.of();
    private long arrivals;
    private int size;

    static Urgency urgency(GenerationRequest request) {
        Instant deadline = request.getDeadline();
        return new Urgency(request.getPriority(), deadline == null ? Urgency.NEVER : deadline.toEpochMilli());
    }

    void add(PendingRequest request) {
        String id = request.getRequest().getRequestId();
        Key key = new Key(urgency(request.getRequest()), id);
        Line line = lines.get(key);
        Entry entry = new Entry(arrivals++, request);
        byArrival.put(entry.arrival(), request);
        if (line == null) {
            line = new Line(key, rowsInFlight.getOrDefault(id, 0));
            line.entries.add(entry);
            lines.put(key, line);
            linesOfRequest.computeIfAbsent(id, any -> new HashSet<>()).add(line);
            arrange(line);
        } else {
            line.entries.add(entry);
        }
        size++;
    }

    /** Takes in how many rows each request has in flight; requests without are not in the map. */
    void share(Map<String, Integer> rows) {
        Map<String, Integer> before = rowsInFlight;
        rowsInFlight = rows;
        before.keySet().forEach(id -> moveLines(id, rows.getOrDefault(id, 0)));
        rows.forEach(this::moveLines);
    }

    private void moveLines(String id, int rows) {
        for (Line line : linesOfRequest.getOrDefault(id, Set.of())) {
            if (line.rowsInFlight != rows) {
                order.remove(line);
                line.rowsInFlight = rows;
                order.add(line);
            }
        }
    }

    /** The first request of which a sample has room; null if none has. */
    @Nullable
    PendingRequest next(Predicate<PendingRequest> hasRoom) {
        for (Line line : order) {
            PendingRequest request = line.entries.getFirst().request();
            if (hasRoom.test(request)) {
                return request;
            }
            if (line.rowsInFlight == 0) {
                return null; // those behind it have no more room than a first sample
            }
        }
        return null;
    }

    /** Takes out a request that {@link #next} gave. */
    void remove(PendingRequest request) {
        Key key = new Key(urgency(request.getRequest()), request.getRequest().getRequestId());
        Line line = lines.get(key);
        if (line == null || line.entries.getFirst().request() != request) {
            throw new IllegalStateException("request " + key.requestId() + " is not the first of its line");
        }
        withdraw(line);
        byArrival.remove(line.entries.removeFirst().arrival());
        size--;
        if (line.entries.isEmpty()) {
            forget(line);
        } else {
            arrange(line);
        }
    }

    /** Takes out the requests whose deadline is before {@code now}. */
    List<PendingRequest> expire(Instant now) {
        List<PendingRequest> expired = new ArrayList<>();
        while (!byDeadline.isEmpty() && byDeadline.first().deadline() < now.toEpochMilli()) {
            expired.addAll(takeOut(byDeadline.first()));
        }
        return expired;
    }

    /** Takes out all records of a request. */
    List<PendingRequest> cancel(String requestId) {
        List<PendingRequest> cancelled = new ArrayList<>();
        for (Line line : List.copyOf(linesOfRequest.getOrDefault(requestId, Set.of()))) {
            cancelled.addAll(takeOut(line));
        }
        return cancelled;
    }

    private List<PendingRequest> takeOut(Line line) {
        withdraw(line);
        forget(line);
        line.entries.forEach(entry -> byArrival.remove(entry.arrival()));
        size -= line.entries.size();
        return line.entries.stream().map(Entry::request).toList();
    }

    private void arrange(Line line) {
        order.add(line);
        if (line.deadline() != Urgency.NEVER) {
            byDeadline.add(line);
        }
    }

    private void withdraw(Line line) {
        order.remove(line);
        byDeadline.remove(line);
    }

    private void forget(Line line) {
        lines.remove(line.key);
        Set<Line> ofRequest = linesOfRequest.getOrDefault(line.key.requestId(), Set.of());
        ofRequest.remove(line);
        if (ofRequest.isEmpty()) {
            linesOfRequest.remove(line.key.requestId());
        }
    }

    /** Requests, not samples. */
    int size() {
        return size;
    }

    /** How long the request that came first has waited; zero if none waits. */
    Duration oldestWait(Instant now) {
        Map.Entry<Long, PendingRequest> oldest = byArrival.firstEntry();
        return oldest == null
                ? Duration.ZERO
                : Duration.between(oldest.getValue().getEnqueuedAt(), now);
    }

    boolean isEmpty() {
        return size == 0;
    }

    /** All of them by arrival: added in this order, they wait as before. */
    List<PendingRequest> waiting() {
        return List.copyOf(byArrival.values());
    }
}
