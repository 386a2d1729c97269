package io.finestream.flink;

import static io.finestream.flink.DenoiseHarness.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.finestream.TinyModel;
import io.finestream.schemas.DeadLetter;
import io.finestream.schemas.GenerationRequest;
import io.finestream.schemas.ReasonCode;
import io.finestream.schemas.Trajectory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.util.AbstractStreamOperatorTestHarness;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DenoiseOperatorTest {

    @TempDir
    static Path directory;

    private static GenerationSettings settings;

    @BeforeAll
    static void writeModel() {
        settings = GenerationSettings.forModel(
                        TinyModel.write(directory.resolve("model"), 1).toString())
                .withMaxRows(8);
    }

    @Test
    void requestsJoinAndLeaveBetweenSteps() throws Exception {
        try (var harness = DenoiseHarness.open(settings)) {
            harness.process(request("long", 3, 1));
            harness.oneStep();
            harness.process(request("short", 1, 1));
            harness.oneStep();
            assertThat(harness.ids()).containsExactly("short");
            harness.drain();
            assertThat(harness.ids()).containsExactly("short", "long");
        }
    }

    @Test
    void everySampleOfARequestIsDenoisedOnce() throws Exception {
        try (var harness = DenoiseHarness.open(settings)) {
            harness.process(request("many", 4, 11)); // two rows each: the budget of 8 holds four at a time
            harness.drain();
            assertThat(harness.extractOutputValues())
                    .extracting(Trajectory::getSample)
                    .containsExactlyInAnyOrder(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
        }
    }

    @Test
    void whatCanNotBeServedBecomesADeadLetter() throws Exception {
        try (var harness = DenoiseHarness.open(settings)) {
            byte[] key = {1};
            byte[] value = {2, 3};
            harness.processElement(new SourceRecord(key, value, "requests", 1, 2, 3), 0);
            assertThat(harness.getSideOutput(DenoiseOperatorFactory.DEAD_LETTERS))
                    .singleElement()
                    .satisfies(record -> {
                        DeadLetter letter = record.getValue();
                        assertThat(letter.getReasonCode()).isEqualTo(ReasonCode.UNREADABLE);
                        assertThat(letter.getKey().array()).isEqualTo(key);
                        assertThat(letter.getOriginal().array()).isEqualTo(value);
                        assertThat(letter.getPartition()).isEqualTo(1);
                        assertThat(letter.getOffset()).isEqualTo(2);
                    });
            assertThat(harness.oneMail()).isFalse();
        }
    }

    @Test
    void endOfInputDrainsWhatIsInFlightAndWhatWaits() throws Exception {
        try (var harness = DenoiseHarness.open(settings)) {
            harness.process(request("a", 5, 3));
            harness.process(request("b", 7, 9));
            harness.endInput();
            assertThat(harness.extractOutputValues()).hasSize(12);
        }
    }

    @Test
    void trajectoriesGoOnFromTheirStepAfterARestoreAtAnotherParallelism() throws Exception {
        OperatorSubtaskState snapshot;
        List<Trajectory> finished;
        Map<String, List<Byte>> undisturbed;
        try (var harness = DenoiseHarness.open(settings)) {
            for (int i = 0; i < 7; i++) {
                GenerationRequest request = request("r" + i, 6 + i, 1);
                request.setCacheInterval(1 + i % 3);
                harness.process(request);
            }
            harness.oneStep();
            harness.oneStep();
            harness.oneStep();
            finished = List.copyOf(harness.extractOutputValues());
            snapshot = harness.snapshot(1, 1);
            harness.drain();
            undisturbed = harness.latents();
        }
        List<Trajectory> all = new ArrayList<>(finished);
        for (int subtask = 0; subtask < 3; subtask++) {
            var state = AbstractStreamOperatorTestHarness.repartitionOperatorState(
                    snapshot, DenoiseHarness.MAX_PARALLELISM, 1, 3, subtask);
            try (var harness = new DenoiseHarness(settings, 3, subtask)) {
                harness.initializeState(state);
                harness.open();
                harness.drain();
                assertThat(harness.extractOutputValues()).isNotEmpty();
                all.addAll(harness.extractOutputValues());
            }
        }
        assertThat(all).hasSize(7);
        assertThat(DenoiseHarness.latents(all)).isEqualTo(undisturbed);
    }

    @Test
    void theSnapshotHoldsLatentsInTheMiddleOfTheirTrajectory() throws Exception {
        try (var harness = DenoiseHarness.open(settings)) {
            harness.process(request("r", 6, 1));
            harness.oneStep();
            harness.oneStep();
            OperatorSubtaskState snapshot = harness.snapshot(1, 1);
            try (var restored = new DenoiseHarness(settings, 1, 0)) {
                restored.initializeState(snapshot);
                restored.open();
                for (int step = 2; step < 6; step++) {
                    assertThat(restored.extractOutputValues()).isEmpty();
                    restored.oneStep();
                }
                assertThat(restored.ids()).containsExactly("r");
            }
        }
    }

    @Test
    void aTrajectoryDoesNotGoOnWithAnotherModel() throws Exception {
        OperatorSubtaskState snapshot;
        try (var harness = DenoiseHarness.open(settings)) {
            harness.process(request("r", 6, 1));
            harness.oneStep();
            snapshot = harness.snapshot(1, 1);
        }
        String other = TinyModel.write(directory.resolve("other"), 2).toString();
        try (var harness = new DenoiseHarness(GenerationSettings.forModel(other), 1, 0)) {
            harness.initializeState(snapshot);
            assertThatThrownBy(harness::open).hasMessageContaining("start it with that model");
        }
    }
}
