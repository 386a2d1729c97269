package io.finestream.flink;

import static io.finestream.flink.DenoiseHarness.request;
import static org.assertj.core.api.Assertions.assertThat;

import io.finestream.TinyModel;
import io.finestream.codec.Images;
import io.finestream.schemas.DeadLetter;
import io.finestream.schemas.GeneratedImage;
import io.finestream.schemas.GenerationRequest;
import io.finestream.schemas.Quality;
import io.finestream.schemas.ReasonCode;
import io.finestream.schemas.Shortening;
import io.finestream.schemas.Trajectory;
import io.finestream.schemas.wire.AvroCodec;
import io.finestream.schemas.wire.WireFormat;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whom the {@link DenoiseOperator} serves first, and whom no more. Its batch holds four guided samples. */
class AdmissionTest {

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
    void aSingleRequestJoinsTheNextStepThoughALargeOneFillsTheBatch() throws Exception {
        try (var harness = DenoiseHarness.open(settings)) {
            harness.process(request("large", 12, 64));
            harness.oneStep();
            assertThat(harness.stepsDone("large")).containsExactly(1, 1, 1, 1);
            harness.process(request("single", 3, 1));
            for (int step = 1; step <= 2; step++) {
                harness.oneStep();
                assertThat(harness.stepsDone("single")).containsExactly(step);
            }
            harness.oneStep();
            assertThat(harness.ids()).containsExactly("single");
            harness.drain();
            assertThat(harness.ids()).hasSize(65);
        }
    }

    @Test
    void samplesThatSitStepsOutGiveTheSameImagesAsAlone() throws Exception {
        Map<String, List<Byte>> alone = new TreeMap<>();
        List<GenerationRequest> requests =
                List.of(request("large", 6, 9), request("a", 5, 1), request("b", 7, 2), request("c", 8, 1));
        for (GenerationRequest request : requests) {
            try (var harness = DenoiseHarness.open(settings)) {
                harness.process(request);
                harness.drain();
                alone.putAll(harness.latents());
            }
        }
        boolean paused = false;
        try (var harness = DenoiseHarness.open(settings)) {
            for (GenerationRequest request : requests) {
                harness.process(request);
                harness.oneStep();
                harness.oneStep();
                paused |= new HashSet<>(harness.stepsDone("large")).size() > 1;
            }
            OperatorSubtaskState snapshot = harness.snapshot(1, 1);
            Map<String, List<Byte>> together = new TreeMap<>(harness.latents());
            try (var restored = new DenoiseHarness(settings, 1, 0)) {
                restored.initializeState(snapshot);
                restored.open();
                restored.drain();
                together.putAll(restored.latents());
            }
            assertThat(together).isEqualTo(alone);
            harness.drain();
            assertThat(harness.latents()).isEqualTo(alone);
        }
        assertThat(paused).as("some sat steps out").isTrue();
    }

    @Test
    void theImportantAndTheUrgentAreServedFirst() throws Exception {
        try (var harness = DenoiseHarness.open(settings).at(NOW)) {
            for (int i = 0; i < 6; i++) {
                harness.process(request("early " + i, 2, 1));
            }
            harness.process(GenerationRequest.newBuilder(request("urgent", 2, 1))
                    .setDeadline(NOW.plusSeconds(60))
                    .build());
            harness.process(GenerationRequest.newBuilder(request("important", 2, 1))
                    .setPriority(1)
                    .build());
            harness.oneStep();
            harness.oneStep();
            assertThat(harness.ids()).contains("important").hasSize(4);
            harness.drain();
            assertThat(harness.ids().indexOf("urgent")).isLessThan(harness.ids().indexOf("early 4"));
        }
    }

    @Test
    void aFullQueueHoldsTheInputUntilARequestIsInTheBatch() throws Exception {
        GenerationSettings two = new GenerationSettings(
                settings.model(),
                settings.device(),
                settings.compute(),
                2,
                settings.maxCount(),
                settings.swap(),
                settings.wireFormat());
        try (var harness = DenoiseHarness.open(two)) {
            for (int i = 0; i < 5; i++) {
                harness.process(request("r" + i, 2, 1));
            }
            assertThat(harness.live().stepsDone())
                    .as("four in the batch, one waits")
                    .isZero();
            harness.process(request("r5", 2, 1));
            assertThat(harness.live().stepsDone()).isEqualTo(2);
            assertThat(harness.live().size()).isEqualTo(2);
            assertThat(harness.ids()).hasSize(4);
        }
    }

    @Test
    void whatIsLateIsReportedOnceForEachRecordAndNotMade() throws Exception {
        GenerationRequest late = GenerationRequest.newBuilder(request("late", 2, 9))
                .setDeadline(NOW.plusSeconds(10))
                .build();
        try (var harness = DenoiseHarness.open(settings).at(NOW)) {
            harness.process(late);
            harness.process(request("in time", 20, 1));
            for (int step = 0; step < 4; step++) {
                harness.oneStep();
            }
            harness.at(NOW.plusSeconds(10));
            harness.oneStep();
            assertThat(harness.deadLetters()).isEmpty();
            int made = harness.ids().size();
            assertThat(made).isBetween(1, 8);
            harness.at(NOW.plusSeconds(11));
            harness.drain();
            assertThat(harness.ids()).hasSize(made + 1).endsWith("in time");
            assertThat(harness.deadLetters()).singleElement().satisfies(letter -> {
                assertThat(letter.getReasonCode()).isEqualTo(ReasonCode.EXPIRED);
                assertThat(letter.getRequestId()).isEqualTo("late");
                assertThat(letter.getOffset()).isZero();
                assertThat(letter.getReason())
                        .contains("2026-01-31T12:00:10Z had passed", "when " + made + " of 9 images were made");
                assertThat(new AvroCodec<>(GenerationRequest.class, new WireFormat.SingleObject())
                                .decode(letter.getOriginal().array()))
                        .isEqualTo(late);
            });
        }
    }

    @Test
    void whatIsLateBeforeItsFirstSampleIsReportedToo() throws Exception {
        try (var harness = DenoiseHarness.open(settings).at(NOW)) {
            for (int i = 0; i < 4; i++) {
                harness.process(request("first " + i, 3, 1));
            }
            harness.process(GenerationRequest.newBuilder(request("waits", 3, 1))
                    .setPriority(-1)
                    .setDeadline(NOW.plusSeconds(1))
                    .build());
            harness.oneStep();
            harness.at(NOW.plusSeconds(2));
            harness.drain();
            assertThat(harness.ids()).hasSize(4);
            assertThat(harness.deadLetters())
                    .extracting(DeadLetter::getReason)
                    .singleElement()
                    .asString()
                    .contains("when 0 of 1 images were made");
        }
    }

    @Test
    void aDegradableImageIsFinishedInFewerStepsAndIsTheSameAfterARestore() throws Exception {
        OperatorSubtaskState snapshot;
        Map<String, List<Byte>> undisturbed = new HashMap<>();
        try (var harness = DenoiseHarness.open(settings).at(NOW)) {
            for (int steps = 20; steps < 24; steps++) { // every sampler
                harness.process(GenerationRequest.newBuilder(request("degradable " + steps, steps, 1))
                        .setQuality(Quality.DEGRADABLE)
                        .setDeadline(NOW.plusSeconds(3600))
                        .build());
            }
            for (int step = 0; step < 3; step++) {
                harness.oneStep();
            }
            harness.at(NOW.plusSeconds(3601)); // later than the deadline: a step is left, four in all
            harness.oneStep();
            assertThat(harness.ids()).hasSize(4);
            assertThat(harness.deadLetters()).isEmpty();
            assertThat(harness.extractOutputValues()).allSatisfy(done -> {
                assertThat(done.getStep()).isEqualTo(4);
                assertThat(done.getShortenings()).containsExactly(new Shortening(3, 1));
            });
        }
        try (var harness = DenoiseHarness.open(settings).at(NOW)) {
            for (int steps = 20; steps < 24; steps++) {
                harness.process(GenerationRequest.newBuilder(request("degradable " + steps, steps, 1))
                        .setQuality(Quality.DEGRADABLE)
                        .setDeadline(NOW.plusSeconds(3600))
                        .build());
            }
            harness.oneStep();
            harness.at(NOW.plusSeconds(3600)); // no time is left: three more steps
            harness.oneStep();
            snapshot = harness.snapshot(1, 1);
            harness.drain();
            assertThat(harness.extractOutputValues())
                    .allSatisfy(done -> assertThat(done.getShortenings()).containsExactly(new Shortening(1, 3)));
            undisturbed.putAll(harness.latents());
        }
        try (var restored = new DenoiseHarness(settings, 1, 0).at(NOW)) {
            restored.initializeState(snapshot);
            restored.open();
            restored.drain();
            assertThat(restored.extractOutputValues())
                    .hasSize(4)
                    .allSatisfy(done -> assertThat(done.getStep()).isEqualTo(4));
            assertThat(restored.latents()).isEqualTo(undisturbed);
            assertImageSaysSo(restored.extractOutputValues().get(0));
        }
    }

    private static void assertImageSaysSo(Trajectory done) throws Exception {
        try (var decode = DecodeImagesTest.open(settings, null)) {
            decode.processElement(done, 0);
            decode.endInput();
            GeneratedImage image = decode.extractOutputValues().get(0);
            assertThat(image.getSteps()).isEqualTo(4);
            assertThat(image.getStepsRequested()).isEqualTo(done.getRequest().getSteps());
            assertThat(image.getShortenings()).isEqualTo(done.getShortenings());
            assertThat(Images.decode(image.getImage().array()).getWidth()).isEqualTo(8);
        }
    }
}
