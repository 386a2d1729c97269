package io.finestream.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.Collections;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class LatenciesTest {

    @Test
    void percentilesAreTheSmallestValuesThatSoManyDoNotExceed() {
        List<Double> oneToTwoHundred =
                IntStream.rangeClosed(1, 200).mapToObj(i -> (double) i).collect(Collectors.toList());
        Collections.reverse(oneToTwoHundred);
        assertThat(Latencies.of(oneToTwoHundred)).isEqualTo(new Latencies(200, 100.5, 100, 198, 200));
        assertThat(Latencies.of(List.of(3.0, 1.0, 2.0))).isEqualTo(new Latencies(3, 2, 2, 3, 3));
        assertThat(Latencies.of(List.of(7.0))).isEqualTo(new Latencies(1, 7, 7, 7, 7));
    }

    @Test
    void noLatenciesAreRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Latencies.of(List.of()))
                .withMessageContaining("expected at least 1");
    }
}
