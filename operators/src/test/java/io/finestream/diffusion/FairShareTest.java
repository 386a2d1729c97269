package io.finestream.diffusion;

import static org.assertj.core.api.Assertions.assertThat;

import io.finestream.diffusion.FairShare.Demand;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

/** With a budget of 24 rows, and samples of two. */
class FairShareTest {

    private static final int MAX_ROWS = 24;
    private static final Urgency USUAL = new Urgency(0, Urgency.NEVER);

    private final FairShare share = new FairShare(MAX_ROWS);

    @Test
    void aRequestThatIsAloneTakesTheWholeBudgetAndNoMore() {
        List<Demand> large = samples("large", 11);
        assertThat(share.hasRoomFor(sample("large"), large)).isTrue();
        large.add(sample("large"));
        assertThat(share.hasRoomFor(sample("large"), large)).isFalse();
        assertThat(share.choose(large).cardinality()).isEqualTo(12);
    }

    @Test
    void aFirstSampleJoinsABatchThatOneRequestFills() {
        List<Demand> inFlight = samples("large", 12);
        for (int i = 0; i < 11; i++) {
            assertThat(share.hasRoomFor(sample("single " + i), inFlight)).isTrue();
            inFlight.add(sample("single " + i));
            assertThat(share.hasRoomFor(sample("large"), inFlight)).isFalse();
        }
        assertThat(share.hasRoomFor(sample("one too many"), inFlight)).isFalse();
    }

    @Test
    void twoLargeRequestsDivideTheBudget() {
        List<Demand> inFlight = samples("a", 12);
        while (share.hasRoomFor(sample("b"), inFlight)) {
            inFlight.add(sample("b"));
        }
        assertThat(inFlight).hasSize(18);
        assertThat(share.hasRoomFor(sample("a"), inFlight)).isFalse();
    }

    @Test
    void rowsInFlightAreBounded() {
        List<Demand> inFlight = new ArrayList<>();
        for (int priority = 0; priority < 10; priority++) {
            Demand next = new Demand("r" + priority, new Urgency(priority, Urgency.NEVER), 2);
            while (share.hasRoomFor(next, inFlight)) {
                inFlight.add(next);
            }
        }
        assertThat(inFlight).hasSize(4 * 12);
    }

    @Test
    void aMoreImportantRequestJoinsAFullBatchAndGoesFirst() {
        List<Demand> inFlight = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            inFlight.add(sample("single " + i));
        }
        Demand important = new Demand("important", new Urgency(1, Urgency.NEVER), 2);
        assertThat(share.hasRoomFor(sample("usual"), inFlight)).isFalse();
        assertThat(share.hasRoomFor(important, inFlight)).isTrue();
        inFlight.add(important);
        BitSet chosen = share.choose(inFlight);
        assertThat(chosen.get(12)).isTrue();
    }

    @Test
    void aLessImportantRequestWaitsWhileTheBatchIsFull() {
        Demand less = new Demand("less", new Urgency(-1, Urgency.NEVER), 2);
        assertThat(share.hasRoomFor(less, samples("large", 12))).isFalse();
        assertThat(share.hasRoomFor(less, samples("large", 11))).isTrue();
    }

    @Test
    void whereRowsDoNotSufficeTheEarliestDeadlineGoesFirstAndThenTheOldest() {
        List<Demand> inFlight = new ArrayList<>();
        for (int i = 0; i < 13; i++) {
            inFlight.add(sample("single " + i));
        }
        inFlight.add(new Demand("urgent", new Urgency(0, 1000), 2));
        BitSet expected = new BitSet();
        expected.set(0, 11);
        expected.set(13);
        assertThat(share.choose(inFlight)).isEqualTo(expected);
    }

    @Test
    void whereTimeGrowsWithRowsALargeRequestAtMostDoublesTheTimeOfASingleOne() {
        learn(0, 10);
        List<Demand> inFlight = samples("large", 12);
        share.choose(inFlight); // a step that who comes next has to wait for
        inFlight.add(sample("single"));
        int rows = MAX_ROWS;
        for (int step = 0; step < 20; step++) {
            BitSet chosen = share.choose(inFlight);
            assertThat(chosen.get(12)).as("the single one, step %s", step).isTrue();
            int stepRows = 2 * chosen.cardinality();
            assertThat(stepRows).isLessThanOrEqualTo(4);
            rows += stepRows;
        }
        assertThat(rows).as("with the step that it waited for").isEqualTo(2 * 20 * 2);
    }

    @Test
    void whereRowsCostNothingALargeRequestTakesWhatIsLeft() {
        learn(1000, 0);
        List<Demand> inFlight = samples("large", 12);
        inFlight.add(sample("single"));
        BitSet chosen = share.choose(inFlight);
        assertThat(chosen.get(12)).isTrue();
        assertThat(chosen.cardinality()).isEqualTo(12);
    }

    @Test
    void everyRequestHasItsTurn() {
        learn(10, 10);
        List<Demand> inFlight = samples("large", 12);
        inFlight.addAll(samples("larger", 6));
        inFlight.addAll(samples("small", 2));
        inFlight.add(sample("single"));
        int[] steps = new int[inFlight.size()];
        for (int step = 0; step < 50; step++) {
            share.choose(inFlight).stream().forEach(place -> steps[place]++);
        }
        assertThat(steps[0]).as("large").isGreaterThanOrEqualTo(49);
        assertThat(steps[12]).as("larger").isGreaterThanOrEqualTo(49);
        assertThat(steps[18]).as("small").isGreaterThanOrEqualTo(49);
        assertThat(steps[20]).as("single").isEqualTo(50);
    }

    @Test
    void whatWasNotSeenLiesBetweenWhatWas() {
        StepTimes times = share.times();
        assertThat(times.expected(6)).isEqualTo(6);
        times.add(4, 400);
        times.add(12, 1000);
        assertThat(times.expected(2)).isEqualTo(200);
        assertThat(times.expected(4)).isEqualTo(400);
        assertThat(times.expected(8)).isEqualTo(700);
        assertThat(times.expected(24)).isEqualTo(2000);
        times.add(4, 800);
        assertThat(times.expected(4)).isEqualTo(500);
    }

    /** Steps take {@code fixed} and {@code each} for every row. */
    private void learn(long fixed, long each) {
        for (int rows = 1; rows <= MAX_ROWS; rows++) {
            share.took(rows, fixed + each * rows);
        }
    }

    private static List<Demand> samples(String request, int count) {
        return new ArrayList<>(Collections.nCopies(count, sample(request)));
    }

    private static Demand sample(String request) {
        return new Demand(request, USUAL, 2);
    }
}
