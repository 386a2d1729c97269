package io.finestream.tuning;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class GateTest {

    private static final List<LabeledLatent> IMAGES = IntStream.range(0, 4)
            .mapToObj(i -> new LabeledLatent("image " + i, i, new float[1]))
            .toList();

    private final Gate gate = new Gate(0.05);

    @Test
    void groupsAreTheClassesThatTheBaseModelKnewAndThoseAddedSince() {
        List<Gate.Result> results =
                gate.compare(IMAGES, new double[] {1, 2, 3, 4}, new double[] {2, 2, 1, 2}, subclass -> subclass < 2);
        assertThat(results)
                .containsExactly(new Gate.Result("known classes", 1.5, 2), new Gate.Result("added classes", 3.5, 1.5));
    }

    @Test
    void oneGroupThatGetsWorseThanTheMarginHoldsACandidateBack() {
        assertThat(passes(1, 1.04, 1, 0.5)).isTrue();
        assertThat(passes(1, 1.06, 1, 0.5)).isFalse();
        assertThat(passes(1, 0.5, 1, 1.06)).isFalse();
    }

    @Test
    void anErrorThatIsNoNumberHoldsACandidateBack() {
        assertThat(passes(1, Double.NaN, 1, 1)).isFalse();
    }

    @Test
    void aGroupWithoutImagesHasNoSay() {
        List<Gate.Result> results =
                gate.compare(IMAGES, new double[] {1, 1, 1, 1}, new double[] {1, 1, 1, 1}, subclass -> true);
        assertThat(results).extracting(Gate.Result::group).containsExactly("known classes");
        assertThat(gate.passes(List.of())).isTrue();
    }

    private boolean passes(double knownBefore, double knownAfter, double addedBefore, double addedAfter) {
        return gate.passes(List.of(
                new Gate.Result(Gate.KNOWN, knownBefore, knownAfter),
                new Gate.Result(Gate.ADDED, addedBefore, addedAfter)));
    }
}
