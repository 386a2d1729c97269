package io.finestream.flink;

import static io.finestream.flink.DenoiseHarness.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import io.finestream.TinyModel;
import io.finestream.TinyVersions;
import io.finestream.dit.Taxonomy;
import io.finestream.schemas.DeadLetter;
import io.finestream.schemas.GenerationRequest;
import io.finestream.schemas.LiveVersion;
import io.finestream.schemas.ReasonCode;
import io.finestream.schemas.Trajectory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.util.AbstractStreamOperatorTestHarness;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a new version of the parameters does to the {@link DenoiseOperator}. */
class HotSwapTest {

    private static final Taxonomy.ClassName STAR = new Taxonomy.ClassName("round", "star");
    private static final Taxonomy.ClassName SPIRAL = new Taxonomy.ClassName("bent", "spiral");

    @TempDir
    static Path directory;

    private static GenerationSettings settings;
    private static TinyVersions versions;

    @BeforeAll
    static void writeModel() {
        Path model = TinyModel.write(directory.resolve("model"), 1);
        settings = GenerationSettings.forModel(model.toString()).withMaxRows(8);
        versions = new TinyVersions(model);
    }

    @Test
    void aTrajectoryEndsOnTheVersionThatItBeganWithAsIfItRanAlone() throws Exception {
        List<Trajectory> together;
        try (var harness = DenoiseHarness.open(settings.withMaxRows(24))) {
            harness.process(request("zero", 9, 2));
            harness.oneStep();
            harness.swapTo(versions.version(1));
            harness.oneStep();
            harness.process(request("one", 6, 1));
            harness.oneStep();
            assertThat(harness.live().count()).isEqualTo(2);
            harness.swapTo(versions.version(2));
            harness.oneStep();
            harness.process(request("two", 4, 3));
            assertThat(harness.live().count()).isEqualTo(3);
            harness.drain();
            together = harness.extractOutputValues();
            assertThat(harness.live().count()).as("drained groups are gone").isEqualTo(1);
        }
        assertThat(together)
                .extracting(done -> done.getRequest().getRequestId() + " " + done.getModelVersion())
                .containsExactlyInAnyOrder("zero 0", "zero 0", "one 1", "two 2", "two 2", "two 2");
        Map<String, List<Byte>> alone = new TreeMap<>();
        alone.putAll(alone(null, request("zero", 9, 2)));
        alone.putAll(alone(versions.version(1), request("one", 6, 1)));
        alone.putAll(alone(versions.version(2), request("two", 4, 3)));
        assertThat(DenoiseHarness.latents(together)).isEqualTo(alone);
        assertThat(alone(null, request("one", 6, 1)))
                .as("the versions differ")
                .isNotEqualTo(alone(versions.version(1), request("one", 6, 1)));
    }

    @Test
    void allVersionsTogetherStayWithinTheBudgetOfRows() throws Exception {
        try (var harness = DenoiseHarness.open(settings)) {
            harness.process(request("zero", 12, 3)); // 6 of 8 rows
            harness.oneStep();
            harness.swapTo(versions.version(1));
            harness.process(request("one", 10, 3)); // one of them fits
            harness.oneMail();
            long before = harness.live().rowsDone();
            harness.oneStep();
            assertThat(harness.live().rowsDone() - before).isLessThanOrEqualTo(8);
            harness.drain();
            assertThat(harness.extractOutputValues()).hasSize(6);
        }
    }

    @Test
    void anImmediateSwapMovesTrajectoriesInTheMiddleOfTheirWay() throws Exception {
        Map<String, List<Byte>> moved;
        try (var harness = DenoiseHarness.open(settings.withSwap(GenerationSettings.Swap.IMMEDIATE))) {
            harness.process(request("r", 9, 2));
            harness.oneStep();
            harness.oneStep();
            harness.swapTo(versions.version(1));
            harness.drain();
            assertThat(harness.extractOutputValues())
                    .extracting(Trajectory::getModelVersion)
                    .containsExactly(1L, 1L);
            assertThat(harness.live().count()).isEqualTo(1);
            moved = harness.latents();
        }
        assertThat(moved)
                .isNotEqualTo(alone(null, request("r", 9, 2)))
                .isNotEqualTo(alone(versions.version(1), request("r", 9, 2)));
    }

    @Test
    void trajectoriesOfTwoVersionsGoOnAfterARestoreWithTheirOwn() throws Exception {
        OperatorSubtaskState snapshot;
        Map<String, List<Byte>> undisturbed;
        try (var harness = DenoiseHarness.open(settings)) {
            harness.swapTo(versions.version(1, STAR));
            harness.process(request("one", 9, 1));
            harness.process(star("star", 8));
            harness.oneStep();
            harness.swapTo(versions.version(2, STAR, SPIRAL));
            harness.oneStep();
            harness.process(request("two", 7, 1));
            harness.oneStep();
            snapshot = harness.snapshot(1, 1);
            harness.drain();
            undisturbed = harness.latents();
        }
        assertThat(undisturbed).hasSize(3);
        List<Trajectory> all = new ArrayList<>();
        for (int subtask = 0; subtask < 2; subtask++) {
            var state = AbstractStreamOperatorTestHarness.repartitionOperatorState(
                    snapshot, DenoiseHarness.MAX_PARALLELISM, 1, 2, subtask);
            try (var harness = new DenoiseHarness(settings, 2, subtask)) {
                harness.initializeState(state);
                harness.open();
                assertThat(harness.live().newestVersion()).isEqualTo(2L);
                harness.process(spiral("spiral-" + subtask, 3));
                harness.drain();
                all.addAll(harness.extractOutputValues());
            }
        }
        assertThat(all)
                .extracting(done ->
                        done.getRequest().getRequestId() + " " + done.getModelVersion() + " " + done.getSuperclass())
                .contains("one 1 round", "star 1 round", "two 2 round", "spiral-0 2 bent", "spiral-1 2 bent");
        all.removeIf(done -> done.getSubclass().equals("spiral"));
        assertThat(DenoiseHarness.latents(all)).isEqualTo(undisturbed);
    }

    @Test
    void aClassIsServedFromTheVersionOnThatKnowsIt() throws Exception {
        try (var harness = DenoiseHarness.open(settings)) {
            harness.process(spiral("early", 3));
            assertThat(harness.getSideOutput(DenoiseOperatorFactory.DEAD_LETTERS))
                    .extracting(record -> record.getValue())
                    .extracting(DeadLetter::getRequestId, DeadLetter::getReasonCode)
                    .containsExactly(tuple("early", ReasonCode.UNKNOWN_CLASS));
            harness.swapTo(versions.version(1, STAR, SPIRAL));
            harness.process(spiral("late", 3));
            harness.drain();
            assertThat(harness.extractOutputValues()).singleElement().satisfies(done -> {
                assertThat(done.getSubclassId()).isEqualTo(TinyModel.CLASSES + 1);
                assertThat(done.getSubclass()).isEqualTo("spiral");
                assertThat(done.getSuperclassId()).isEqualTo(2);
                assertThat(done.getSuperclass()).isEqualTo("bent");
            });
        }
    }

    @Test
    void aVersionThatDoesNotFitTheModelStopsTheJob() throws Exception {
        LiveVersion wrong = versions.version(1);
        wrong.getTensors().get(0).setTensor("blocks.99.norm1.bias");
        try (var harness = DenoiseHarness.open(settings)) {
            harness.operator().versions().version(wrong);
            assertThatThrownBy(harness::oneMail)
                    .hasMessageContaining("version 1 does not fit the model: the model has no blocks.99.norm1.bias");
        }
    }

    @Test
    void aFeedThatFailsStopsTheJob() throws Exception {
        try (var harness = DenoiseHarness.open(settings)) {
            harness.operator().versions().failed(new IOException("the slice is damaged"));
            assertThatThrownBy(harness::oneMail).hasMessageContaining("the slice is damaged");
        }
    }

    private static Map<String, List<Byte>> alone(LiveVersion version, GenerationRequest request) throws Exception {
        try (var harness = DenoiseHarness.open(settings)) {
            if (version != null) {
                harness.swapTo(version);
            }
            harness.process(request);
            harness.drain();
            return harness.latents();
        }
    }

    private static GenerationRequest star(String id, int steps) {
        return named(id, steps, "star");
    }

    private static GenerationRequest spiral(String id, int steps) {
        return named(id, steps, "spiral");
    }

    private static GenerationRequest named(String id, int steps, String subclass) {
        return GenerationRequest.newBuilder(request(id, steps, 1))
                .setSubclassId(null)
                .setSubclass(subclass)
                .build();
    }
}
