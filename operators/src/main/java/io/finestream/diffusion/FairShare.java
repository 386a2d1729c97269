package io.finestream.diffusion;

import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Divides the row budget among requests: who joins the batch, and who takes part in a step. Of one priority, a request of
 * many samples gives way to those of few, and gets what they leave.
 *
 * <p>A step is never much longer for the small ones than it would be without the large ones: what large ones add to it is
 * taken from a credit of time, which grows with every step that they let the small ones have. A step that they had to
 * themselves is owed, as who comes next had to wait for it. Not thread-safe.
 */
public final class FairShare {

    /** How much longer large requests may make the steps of small ones, on the whole. */
    private static final double SLOWDOWN = 2;

    /** Rows in flight, in budgets: those beyond one wait in memory for their step. */
    private static final int MOST_BUDGETS = 4;

    private static final double ROUNDING = 1e-9;

    /**
     * What a trajectory asks of the next step.
     *
     * @param request whose share it takes
     * @param rows of the pass
     */
    public record Demand(String request, Urgency urgency, int rows) {}

    /**
     * A trajectory in flight.
     *
     * @param place among them, oldest first
     * @param before how many of its request are before it
     * @param small whether its request is one of those with the fewest samples, of the highest priority
     */
    private record Candidate(int place, Demand demand, int before, boolean small) {}

    private static final Comparator<Candidate> FIRST_FIRST = Comparator.comparingInt(
                    (Candidate candidate) -> -candidate.demand().urgency().priority())
            .thenComparingInt(Candidate::before)
            .thenComparing(candidate -> candidate.demand().urgency())
            .thenComparingInt(Candidate::place);

    private final int maxRows;
    private final StepTimes times;
    private double credit; // nanoseconds

    /** @param maxRows most rows of one step */
    public FairShare(int maxRows) {
        this.maxRows = maxRows;
        times = new StepTimes(maxRows);
    }

    public StepTimes times() {
        return times;
    }

    /**
     * Whether another trajectory joins: if it fits beside those of higher priority and those of its own, when each request
     * of its own has as many rows as this one would have then, or fewer. So a first sample joins though a request of many
     * fills the batch.
     */
    public boolean hasRoomFor(Demand next, List<Demand> inFlight) {
        Map<String, Integer> rows = new HashMap<>();
        int priority = next.urgency().priority();
        int total = next.rows();
        int higher = 0;
        for (Demand demand : inFlight) {
            total += demand.rows();
            if (demand.urgency().priority() > priority) {
                higher += demand.rows();
            } else if (demand.urgency().priority() == priority) {
                rows.merge(demand.request(), demand.rows(), Integer::sum);
            }
        }
        int level = rows.merge(next.request(), next.rows(), Integer::sum);
        int shared = rows.values().stream().mapToInt(of -> Math.min(of, level)).sum();
        return higher + shared <= maxRows && total <= MOST_BUDGETS * maxRows;
    }

    /**
     * Which trajectories take part in the next step.
     *
     * <p>The small requests come first: those with the fewest samples in flight, of the highest priority. Then the other
     * samples, by priority, the first of each request before the second of any; while rows are left, and time.
     *
     * @param oldestFirst those in flight
     * @return their places
     */
    public BitSet choose(List<Demand> oldestFirst) {
        List<Candidate> candidates = candidates(oldestFirst);
        List<Candidate> small = candidates.stream().filter(Candidate::small).toList();
        List<Candidate> others =
                candidates.stream().filter(candidate -> !candidate.small()).toList();
        BitSet chosen = new BitSet();
        int smallRows = take(small, 0, Double.POSITIVE_INFINITY, chosen);
        double alone = times.expected(smallRows);
        if (others.isEmpty()) {
            credit = -alone;
            return chosen;
        }
        int firstRows = candidates.stream()
                .filter(candidate -> candidate.before() == 0)
                .mapToInt(candidate -> candidate.demand().rows())
                .sum();
        double fair = times.expected(Math.min(firstRows, maxRows)); // a sample of each request
        double allowance = Math.max(SLOWDOWN * alone, fair) - alone;
        credit = Math.min(credit + allowance, allowance);
        int rows = take(others, smallRows, alone + credit, chosen);
        credit -= times.expected(rows) - alone;
        return chosen;
    }

    /** In the order in which they take part. */
    private static List<Candidate> candidates(List<Demand> oldestFirst) {
        int highest = oldestFirst.stream()
                .mapToInt(demand -> demand.urgency().priority())
                .max()
                .orElse(0);
        Map<String, Integer> samples = new HashMap<>();
        int[] before = oldestFirst.stream()
                .mapToInt(demand -> samples.merge(demand.request(), 1, Integer::sum) - 1)
                .toArray();
        int fewest = oldestFirst.stream()
                .filter(demand -> demand.urgency().priority() == highest)
                .mapToInt(demand -> samples.getOrDefault(demand.request(), 0))
                .min()
                .orElse(0);
        return IntStream.range(0, before.length)
                .mapToObj(i -> {
                    Demand demand = oldestFirst.get(i);
                    boolean small = demand.urgency().priority() == highest
                            && samples.getOrDefault(demand.request(), 0) == fewest;
                    return new Candidate(i, demand, before[i], small);
                })
                .sorted(FIRST_FIRST)
                .toList();
    }

    /** Adds candidates to a step of {@code rows} rows, and returns what rows it has then. */
    private int take(List<Candidate> candidates, int rows, double mostNanos, BitSet chosen) {
        int taken = rows;
        for (Candidate candidate : candidates) {
            int more = taken + candidate.demand().rows();
            if (more > maxRows || times.expected(more) > mostNanos * (1 + ROUNDING)) {
                break;
            }
            chosen.set(candidate.place());
            taken = more;
        }
        return taken;
    }

    /** Takes in how long a step took; a step of no rows says nothing. */
    public void took(int rows, long nanos) {
        if (rows > 0) {
            times.add(rows, nanos);
        }
    }
}
