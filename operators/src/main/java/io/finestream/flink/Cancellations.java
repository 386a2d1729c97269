package io.finestream.flink;

import io.finestream.schemas.CancelledRequest;
import io.finestream.schemas.ControlAction;
import io.finestream.schemas.ControlState;
import io.finestream.schemas.GenerationControl;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * The requests that were cancelled. They are remembered for a while, because a record of a request may be read after its
 * cancellation: it waits in Kafka, or comes again after a restore.
 */
final class Cancellations {

    /** Requests that are remembered; beyond that, the earliest are forgotten. */
    static final int MOST = 10_000;

    /** From when a cancellation is read. */
    static final Duration REMEMBERED = Duration.ofHours(1);

    private record Arrived(long offset, GenerationControl control) {}

    private final Queue<Arrived> arrived = new ConcurrentLinkedQueue<>(); // filled by the feed's thread
    private final Map<String, Instant> readAt = new LinkedHashMap<>(); // the earliest first
    private final Set<String> fresh = new HashSet<>(); // nothing has been done about them
    private long nextOffset;

    /** Takes up a saved state; what it has is to be done again, as more may have been restored than was there then. */
    void restore(ControlState saved) {
        nextOffset = Math.max(nextOffset, saved.getNextOffset());
        for (CancelledRequest request : saved.getCancelled()) {
            remember(request.getRequestId(), request.getReadAt());
        }
    }

    /** Called by the feed's thread; {@link #take} brings it to the operator's. */
    void arrive(long offset, GenerationControl control) {
        arrived.add(new Arrived(offset, control));
    }

    /** The requests that have been cancelled since the last call: what there is of them is to be dropped. */
    Set<String> take(Instant now) {
        Arrived next;
        while ((next = arrived.poll()) != null) {
            nextOffset = next.offset() + 1;
            if (next.control().getAction() == ControlAction.CANCEL) {
                remember(next.control().getRequestId(), now);
            }
        }
        if (fresh.isEmpty()) {
            return Set.of();
        }
        Set<String> taken = Set.copyOf(fresh);
        fresh.clear();
        return taken;
    }

    private void remember(String requestId, Instant at) {
        readAt.remove(requestId); // it goes to the end
        readAt.put(requestId, at);
        fresh.add(requestId);
        if (readAt.size() > MOST) {
            forgetEarliest();
        }
    }

    /** Whether a record of this request that is read now is not to be served. */
    boolean isCancelled(String requestId, Instant now) {
        while (!readAt.isEmpty()
                && readAt.values().iterator().next().plus(REMEMBERED).isBefore(now)) {
            forgetEarliest();
        }
        return readAt.containsKey(requestId);
    }

    private void forgetEarliest() {
        readAt.remove(readAt.keySet().iterator().next());
    }

    /** Offset of the control topic that is to be read next. */
    long nextOffset() {
        return nextOffset;
    }

    /** What a checkpoint needs; what has arrived and was not taken is read again. */
    ControlState saved() {
        List<CancelledRequest> cancelled = readAt.entrySet().stream()
                .map(entry -> new CancelledRequest(entry.getKey(), entry.getValue()))
                .toList();
        return new ControlState(nextOffset, cancelled);
    }
}
