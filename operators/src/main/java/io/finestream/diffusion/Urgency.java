package io.finestream.diffusion;

import java.util.Comparator;

/**
 * In which order requests are served: by priority, and of one priority by deadline. The most urgent is the least.
 *
 * @param priority higher goes first
 * @param deadlineMillis since 1970-01-01 UTC; earlier goes first
 */
public record Urgency(int priority, long deadlineMillis) implements Comparable<Urgency> {

    /** The deadline of a request without one. */
    public static final long NEVER = Long.MAX_VALUE;

    private static final Comparator<Urgency> MOST_URGENT_FIRST =
            Comparator.comparingInt(Urgency::priority).reversed().thenComparingLong(Urgency::deadlineMillis);

    @Override
    public int compareTo(Urgency other) {
        return MOST_URGENT_FIRST.compare(this, other);
    }
}
