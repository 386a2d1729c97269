package io.finestream.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Device;
import io.finestream.TinyModel;
import io.finestream.dit.ComputeType;
import io.finestream.schemas.SamplerName;
import io.finestream.torch.TorchOps;
import io.finestream.weights.GenerativeModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TraceReplayTest {

    private static final int REQUESTS = 12;

    @TempDir
    static Path directory;

    private static GenerativeModel model;

    @BeforeAll
    static void load() throws IOException {
        model = GenerativeModel.load(TinyModel.write(directory, 1), Device.cpu(), ComputeType.FP32);
        TorchOps.prepareThread(1, false);
    }

    @AfterAll
    static void close() {
        model.close();
    }

    /** All at once, so that what is served together does not depend on the machine. */
    private static Trace crowd() {
        return new Trace(Trace.poisson(model, REQUESTS, 1, 0.5, 6).arrivals().stream()
                .map(arrival -> arrival.at(0))
                .toList());
    }

    private static TraceReplay.Result replay(Trace trace, int rows, Batching batching) {
        List<Integer> answered = new ArrayList<>();
        TraceReplay.Result result = new TraceReplay(model, rows).run(trace, batching, answered::add);
        assertThat(answered.stream().mapToInt(Integer::intValue).sum())
                .isEqualTo(trace.arrivals().size());
        return result;
    }

    @ParameterizedTest
    @EnumSource
    void everyRequestIsServedWithTheImageThatItHasInOtherBatches(Batching batching) {
        TraceReplay.Result narrow = replay(crowd(), 2, Batching.STEP);
        TraceReplay.Result result = replay(crowd(), 8, batching);
        assertThat(result.served()).hasSize(REQUESTS).doesNotContainNull();
        for (int i = 0; i < REQUESTS; i++) {
            assertThat(result.served().get(i).latent())
                    .as("request %s", i)
                    .isEqualTo(narrow.served().get(i).latent());
        }
        assertThat(result.busySeconds()).isPositive().isLessThanOrEqualTo(result.seconds());
    }

    @Test
    void rowsOfRequestsThatAreDoneStayInABatchOfRequestsAlone() {
        int needed = crowd().specs(model).stream().mapToInt(Arrival::rows).sum();
        assertThat(replay(crowd(), 8, Batching.STEP).rows()).isEqualTo(needed);
        assertThat(replay(crowd(), 8, Batching.SHRINKING).rows()).isEqualTo(needed);
        assertThat(replay(crowd(), 8, Batching.CALL).rows()).isEqualTo(needed);

        List<Arrival> two = List.of(
                new Arrival(0, "0", 10, 2, SamplerName.DDIM, 1), new Arrival(0, "1", 4, 2, SamplerName.UNIPC, 2));
        assertThat(replay(new Trace(two), 8, Batching.REQUEST).rows()).isEqualTo(10 * 4);
        assertThat(replay(new Trace(two), 8, Batching.SHRINKING).rows()).isEqualTo(10 * 2 + 4 * 2);
    }

    @Test
    void aCallTakesEqualRequestsOnly() {
        List<Arrival> pairs = IntStream.range(0, 8)
                .mapToObj(i -> new Arrival(0, "" + i % 3, i % 2 == 0 ? 6 : 9, 1, SamplerName.DDPM, i))
                .toList();
        assertThat(replay(new Trace(pairs), 8, Batching.CALL).steps()).isEqualTo(6 + 9);
        assertThat(replay(new Trace(pairs), 8, Batching.SHRINKING).steps()).isEqualTo(9);
    }

    @Test
    void latenciesCountFromTheArrivalAndNotFromAdmission() {
        List<Arrival> one = IntStream.range(0, 5)
                .mapToObj(i -> new Arrival(0, "0", 10, 2, SamplerName.DDIM, i))
                .toList();
        for (Batching batching : Batching.values()) { // two rows each, of which there are two: one after the other
            TraceReplay.Result result = replay(new Trace(one), 2, batching);
            assertThat(result.served().stream().map(TraceReplay.Served::answeredSeconds))
                    .as("%s", batching)
                    .isSorted()
                    .doesNotHaveDuplicates();
            assertThat(result.served().get(4).answeredSeconds()).isEqualTo(result.seconds());
        }
    }

    @ParameterizedTest
    @EnumSource
    void answersWaitForTheWholeBatchUnlessItIsOfSteps(Batching batching) {
        List<Arrival> two = List.of(
                new Arrival(0, "0", 10, 1, SamplerName.DDIM, 1), new Arrival(0, "0", 2, 1, SamplerName.DDIM, 2));
        List<TraceReplay.Served> served = replay(new Trace(two), 8, batching).served();
        TraceReplay.Served quick = served.get(1);
        if (batching == Batching.REQUEST || batching == Batching.SHRINKING) {
            assertThat(quick.answeredSeconds()).isEqualTo(served.get(0).answeredSeconds());
            assertThat(quick.doneSeconds()).isLessThan(quick.answeredSeconds());
        } else {
            assertThat(quick.doneSeconds()).isEqualTo(quick.answeredSeconds());
        }
    }

    @Test
    void nothingIsServedBeforeItHasCome() {
        Trace late = new Trace(List.of(
                new Arrival(0, "0", 2, 1, SamplerName.DDIM, 1), new Arrival(300_000, "0", 2, 1, SamplerName.DDIM, 2)));
        TraceReplay.Result result = replay(late, 8, Batching.STEP);
        assertThat(result.served().get(1).answeredSeconds()).isPositive();
        assertThat(result.seconds()).isCloseTo(0.3 + result.served().get(1).answeredSeconds(), within(1e-9));
        assertThat(result.busySeconds()).isLessThan(result.seconds());
    }
}
