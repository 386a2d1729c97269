package io.finestream.flink;

import static io.finestream.flink.DenoiseHarness.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.finestream.TinyModel;
import io.finestream.codec.Images;
import io.finestream.schemas.EventKind;
import io.finestream.schemas.GenerationEvent;
import io.finestream.schemas.GenerationRequest;
import io.finestream.schemas.Reporting;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the {@link DenoiseOperator} tells of requests on their way. */
class ProgressTest {

    private static final Instant NOW = Instant.parse("2026-01-31T12:00:00Z");
    private static final Duration PATIENCE = Duration.ofMinutes(1);

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
    void aSampleIsToldOfAtMostEveryQuarterSecondAndAtItsEnd() throws Exception {
        try (var harness = DenoiseHarness.open(settings).at(NOW)) {
            harness.process(telling(request("r", 10, 2), Reporting.STEPS));
            for (int step = 1; step <= 10; step++) {
                harness.at(NOW.plusMillis(100L * step));
                harness.oneStep();
            }
            harness.process(request("silent", 10, 1));
            harness.drain();
            List<GenerationEvent> events = harness.events();
            assertThat(events).allSatisfy(event -> {
                assertThat(event.getRequestId()).isEqualTo("r");
                assertThat(event.getSteps()).isEqualTo(10);
                assertThat(event.getPreview()).isNull();
            });
            assertThat(events.get(0).getWhat()).isEqualTo(EventKind.ACCEPTED);
            assertThat(events.get(0).getSamples()).isEqualTo(2);
            for (int sample = 0; sample < 2; sample++) {
                assertThat(of(sample, events.subList(1, events.size())))
                        .extracting(GenerationEvent::getWhat, GenerationEvent::getStep, GenerationEvent::getAt)
                        .containsExactly(
                                tuple(EventKind.STEP, 1, NOW.plusMillis(100)),
                                tuple(EventKind.STEP, 4, NOW.plusMillis(400)),
                                tuple(EventKind.STEP, 7, NOW.plusMillis(700)),
                                tuple(EventKind.DONE, 10, NOW.plusMillis(1000)));
            }
        }
    }

    @Test
    void aPreviewIsAPictureThatComesAfterItsStepAndHoldsNoneUp() throws Exception {
        try (var harness = DenoiseHarness.open(settings).at(NOW)) {
            harness.process(telling(request("r", 1000, 1), Reporting.PREVIEWS));
            harness.oneStep();
            assertThat(harness.events()).extracting(GenerationEvent::getWhat).containsExactly(EventKind.ACCEPTED);
            Awaitility.await()
                    .atMost(PATIENCE)
                    .pollInterval(Duration.ofMillis(1))
                    .pollInSameThread()
                    .until(() -> {
                        harness.oneMail();
                        return harness.events().size() == 2;
                    });
            GenerationEvent event = harness.events().get(1);
            assertThat(event.getWhat()).isEqualTo(EventKind.STEP);
            assertThat(event.getStep()).isEqualTo(1);
            assertThat(Images.decode(event.getPreview().array()).getWidth()).isEqualTo(8);
        }
    }

    @Test
    void previewsGoRoundAmongSamplesAndAreNeverTheLastThatIsTold() throws Exception {
        try (var harness = DenoiseHarness.open(settings).at(NOW)) {
            harness.process(telling(request("r", 200, 4), Reporting.PREVIEWS));
            for (int second = 1; harness.oneMail(); second++) {
                harness.at(NOW.plusSeconds(second));
            }
            for (int sample = 0; sample < 4; sample++) {
                List<GenerationEvent> told = of(sample, harness.events());
                assertThat(told.get(told.size() - 1).getWhat()).isEqualTo(EventKind.DONE);
                assertThat(told)
                        .filteredOn(event -> event.getWhat() == EventKind.STEP)
                        .isNotEmpty();
            }
        }
    }

    @Test
    void whatIsNotMadeIsToldWithItsReason() throws Exception {
        try (var harness = DenoiseHarness.open(settings).at(NOW)) {
            harness.process(telling(request("bad", 0, 1), Reporting.STEPS));
            harness.process(request("silently bad", 0, 1));
            GenerationRequest late = telling(request("late", 100, 6), Reporting.STEPS); // four of six begin
            late.setDeadline(NOW.plusSeconds(1));
            harness.process(late);
            harness.oneStep();
            harness.at(NOW.plusSeconds(2));
            harness.drain();
            assertThat(harness.events())
                    .filteredOn(event -> event.getWhat() == EventKind.FAILED)
                    .singleElement()
                    .satisfies(event -> {
                        assertThat(event.getRequestId()).isEqualTo("bad");
                        assertThat(event.getReason()).contains("steps is 0");
                    });
            assertThat(harness.events())
                    .filteredOn(event -> event.getWhat() == EventKind.EXPIRED)
                    .extracting(GenerationEvent::getSample, GenerationEvent::getSamples, GenerationEvent::getStep)
                    .containsExactlyInAnyOrder(
                            tuple(0, 1, 1), tuple(1, 1, 1), tuple(2, 1, 1), tuple(3, 1, 1), tuple(4, 2, 0));
        }
    }

    private static GenerationRequest telling(GenerationRequest request, Reporting progress) {
        request.setProgress(progress);
        return request;
    }

    private static List<GenerationEvent> of(int sample, List<GenerationEvent> events) {
        return events.stream().filter(event -> event.getSample() == sample).toList();
    }
}
