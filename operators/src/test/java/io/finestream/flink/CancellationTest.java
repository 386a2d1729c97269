package io.finestream.flink;

import static io.finestream.flink.DenoiseHarness.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import io.finestream.TinyModel;
import io.finestream.schemas.ControlAction;
import io.finestream.schemas.EventKind;
import io.finestream.schemas.GenerationControl;
import io.finestream.schemas.GenerationEvent;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Set;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.util.AbstractStreamOperatorTestHarness;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a cancellation does to the {@link DenoiseOperator}. */
class CancellationTest {

    private static final Instant NOW = Instant.parse("2026-01-31T12:00:00Z");

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
    void whatIsInFlightIsDroppedWithinTwoStepsAndOthersAreAsIfItHadNotBeen() throws Exception {
        try (var harness = DenoiseHarness.open(settings);
                var alone = DenoiseHarness.open(settings)) {
            harness.process(request("unwanted", 20, 2));
            harness.process(request("wanted", 21, 1));
            harness.oneStep();
            harness.oneStep();
            harness.cancel("unwanted");
            harness.oneStep();
            harness.oneStep();
            assertThat(harness.stepsDone("unwanted")).isEmpty();
            assertThat(harness.events())
                    .extracting(GenerationEvent::getWhat, GenerationEvent::getRequestId, GenerationEvent::getSample)
                    .containsExactly(
                            tuple(EventKind.CANCELLED, "unwanted", 0), tuple(EventKind.CANCELLED, "unwanted", 1));
            assertThat(harness.events().get(0).getStep()).isBetween(2, 4);
            assertThat(harness.events()).extracting(GenerationEvent::getSteps).containsOnly(20);
            harness.drain();
            assertThat(harness.ids()).containsExactly("wanted");
            alone.process(request("wanted", 21, 1));
            alone.drain();
            assertThat(harness.latents()).isEqualTo(alone.latents());
        }
    }

    @Test
    void whatWaitsIsDroppedAndWhatWaitedBehindItGoesOn() throws Exception {
        try (var harness = DenoiseHarness.open(settings)) {
            harness.process(request("large", 20, 9)); // four at a time
            harness.process(request("after", 3, 5));
            harness.oneStep();
            int inFlight = harness.stepsDone("large").size();
            harness.cancel("large");
            harness.drain();
            assertThat(harness.ids()).hasSize(5).containsOnly("after");
            assertThat(harness.events()).hasSize(inFlight + 1).last().satisfies(event -> {
                assertThat(event.getWhat()).isEqualTo(EventKind.CANCELLED);
                assertThat(event.getSamples()).isLessThan(9);
            });
            assertThat(harness.events().stream()
                            .mapToInt(GenerationEvent::getSamples)
                            .sum())
                    .isEqualTo(9);
            assertThat(harness.deadLetters()).isEmpty();
        }
    }

    @Test
    void aCancellationThatComesBeforeItsRequestIsRememberedForAnHour() throws Exception {
        try (var harness = DenoiseHarness.open(settings).at(NOW)) {
            harness.cancel("early");
            harness.process(request("early", 3, 2));
            harness.process(request("other", 3, 1));
            harness.drain();
            assertThat(harness.ids()).containsExactly("other");
            assertThat(harness.events())
                    .extracting(GenerationEvent::getWhat, GenerationEvent::getSamples)
                    .containsExactly(tuple(EventKind.CANCELLED, 2));
            harness.at(NOW.plus(Cancellations.REMEMBERED).plusSeconds(1));
            harness.process(request("early", 3, 1));
            harness.drain();
            assertThat(harness.ids()).containsExactly("other", "early");
        }
    }

    @Test
    void theEarliestAreForgottenWhereThereAreTooMany() {
        Cancellations cancellations = new Cancellations();
        for (int i = 0; i <= Cancellations.MOST; i++) {
            cancellations.arrive(i, new GenerationControl("r" + i, ControlAction.CANCEL, NOW));
        }
        assertThat(cancellations.take(NOW)).hasSize(Cancellations.MOST + 1);
        assertThat(cancellations.isCancelled("r0", NOW)).isFalse();
        assertThat(cancellations.isCancelled("r1", NOW)).isTrue();
        assertThat(cancellations.take(NOW)).isEmpty();
    }

    @Test
    void theStateHasTheOffsetBehindWhatHasBeenDone() throws Exception {
        Cancellations cancellations = new Cancellations();
        cancellations.arrive(6, new GenerationControl("r", ControlAction.CANCEL, NOW));
        cancellations.arrive(8, new GenerationControl("r", ControlAction.NONE, NOW));
        assertThat(cancellations.saved().getNextOffset()).isZero();
        assertThat(cancellations.take(NOW)).containsExactly("r");
        assertThat(cancellations.saved().getNextOffset()).isEqualTo(9);
        Cancellations restored = new Cancellations();
        restored.restore(cancellations.saved());
        assertThat(restored.nextOffset()).isEqualTo(9);
        assertThat(restored.take(NOW)).isEqualTo(Set.of("r"));
        assertThat(restored.saved()).isEqualTo(cancellations.saved());
    }

    @Test
    void aFullQueueIsNotInTheWayOfACancellation() throws Exception {
        GenerationSettings two = new GenerationSettings(
                settings.model(),
                settings.device(),
                settings.compute(),
                2,
                settings.maxCount(),
                settings.swap(),
                settings.wireFormat());
        try (var harness = DenoiseHarness.open(two)) {
            harness.process(request("a", 100, 5)); // one waits
            harness.cancel("a");
            harness.process(request("b", 100, 5)); // would fill the queue, and hold the input for a hundred steps
            harness.process(request("c", 1, 1));
            assertThat(harness.live().stepsDone()).isLessThan(100);
            assertThat(harness.stepsDone("a")).isEmpty();
        }
    }

    @Test
    void afterARestoreACancelledRequestStaysCancelled() throws Exception {
        OperatorSubtaskState told;
        try (var first = new DenoiseHarness(settings, 2, 0)) {
            first.open();
            first.cancel("unwanted");
            first.drain();
            told = first.snapshot(1, 1);
        }
        OperatorSubtaskState untold;
        try (var second = new DenoiseHarness(settings, 2, 1)) { // its cancellation is still on the way
            second.open();
            second.process(request("unwanted", 20, 9));
            second.process(request("wanted", 5, 1));
            second.oneStep();
            untold = second.snapshot(1, 1);
        }
        OperatorSubtaskState both = AbstractStreamOperatorTestHarness.repackageState(told, untold);
        OperatorSubtaskState merged = AbstractStreamOperatorTestHarness.repartitionOperatorState(
                both, DenoiseHarness.MAX_PARALLELISM, 2, 1, 0);
        try (var restored = new DenoiseHarness(settings, 1, 0)) {
            restored.initializeState(merged);
            restored.open();
            restored.process(request("unwanted", 3, 1)); // read again
            restored.drain();
            assertThat(restored.ids()).containsExactly("wanted");
            assertThat(restored.events().stream()
                            .mapToInt(GenerationEvent::getSamples)
                            .sum())
                    .isEqualTo(10);
        }
    }

    @Test
    void aFeedThatFailsStopsTheJob() throws Exception {
        try (var harness = DenoiseHarness.open(settings)) {
            harness.operator().controls().failed(new IOException("the broker refuses"));
            assertThatThrownBy(harness::oneMail).hasMessageContaining("the broker refuses");
        }
    }
}
