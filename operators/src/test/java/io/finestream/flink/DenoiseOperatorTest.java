package io.finestream.flink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.finestream.TinyModel;
import io.finestream.schemas.GenerationRequest;
import io.finestream.schemas.GuidanceMode;
import io.finestream.schemas.GuidanceSpec;
import io.finestream.schemas.PendingRequest;
import io.finestream.schemas.SamplerName;
import io.finestream.schemas.Trajectory;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.flink.formats.avro.typeutils.AvroTypeInfo;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.runtime.tasks.mailbox.Mail;
import org.apache.flink.streaming.runtime.tasks.mailbox.TaskMailbox;
import org.apache.flink.streaming.util.AbstractStreamOperatorTestHarness;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DenoiseOperatorTest {

    private static final int MAX_PARALLELISM = 8;

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
        try (var harness = open(1, 0)) {
            harness.processElement(request("long", 3, 1), 0);
            oneStep(harness);
            harness.processElement(request("short", 1, 1), 0);
            oneStep(harness);
            assertThat(ids(harness)).containsExactly("short");
            drain(harness);
            assertThat(ids(harness)).containsExactly("short", "long");
        }
    }

    @Test
    void everySampleOfARequestIsDenoisedOnce() throws Exception {
        try (var harness = open(1, 0)) {
            harness.processElement(request("many", 4, 11), 0); // two rows each: the budget of 8 holds four at a time
            drain(harness);
            assertThat(harness.extractOutputValues())
                    .extracting(Trajectory::getSample)
                    .containsExactlyInAnyOrder(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
        }
    }

    @Test
    void endOfInputDrainsWhatIsInFlightAndWhatWaits() throws Exception {
        try (var harness = open(1, 0)) {
            harness.processElement(request("a", 5, 3), 0);
            harness.processElement(request("b", 7, 9), 0);
            harness.endInput();
            assertThat(harness.extractOutputValues()).hasSize(12);
        }
    }

    @Test
    void trajectoriesGoOnFromTheirStepAfterARestoreAtAnotherParallelism() throws Exception {
        OperatorSubtaskState snapshot;
        List<Trajectory> finished;
        Map<String, List<Byte>> undisturbed;
        try (var harness = open(1, 0)) {
            for (int i = 0; i < 7; i++) {
                harness.processElement(request("r" + i, 6 + i, 1), 0);
            }
            oneStep(harness);
            oneStep(harness);
            oneStep(harness);
            finished = List.copyOf(harness.extractOutputValues());
            snapshot = harness.snapshot(1, 1);
            drain(harness);
            undisturbed = latents(harness.extractOutputValues());
        }
        List<Trajectory> all = new ArrayList<>(finished);
        for (int subtask = 0; subtask < 3; subtask++) {
            var state = AbstractStreamOperatorTestHarness.repartitionOperatorState(
                    snapshot, MAX_PARALLELISM, 1, 3, subtask);
            try (var harness = harness(3, subtask)) {
                harness.initializeState(state);
                harness.open();
                drain(harness);
                assertThat(harness.extractOutputValues()).isNotEmpty();
                all.addAll(harness.extractOutputValues());
            }
        }
        assertThat(all).hasSize(7);
        assertThat(latents(all)).isEqualTo(undisturbed);
    }

    @Test
    void theSnapshotHoldsLatentsInTheMiddleOfTheirTrajectory() throws Exception {
        try (var harness = open(1, 0)) {
            harness.processElement(request("r", 6, 1), 0);
            oneStep(harness);
            oneStep(harness);
            OperatorSubtaskState snapshot = harness.snapshot(1, 1);
            try (var restored = harness(1, 0)) {
                restored.initializeState(snapshot);
                restored.open();
                for (int step = 2; step < 6; step++) {
                    assertThat(restored.extractOutputValues()).isEmpty();
                    oneStep(restored);
                }
                assertThat(ids(restored)).containsExactly("r");
            }
        }
    }

    @Test
    void aTrajectoryDoesNotGoOnWithAnotherModel() throws Exception {
        OperatorSubtaskState snapshot;
        try (var harness = open(1, 0)) {
            harness.processElement(request("r", 6, 1), 0);
            oneStep(harness);
            snapshot = harness.snapshot(1, 1);
        }
        String other = TinyModel.write(directory.resolve("other"), 2).toString();
        try (var harness = harness(GenerationSettings.forModel(other), 1, 0)) {
            harness.initializeState(snapshot);
            assertThatThrownBy(harness::open).hasMessageContaining("start it with that model");
        }
    }

    private static OneInputStreamOperatorTestHarness<PendingRequest, Trajectory> open(int parallelism, int subtask)
            throws Exception {
        var harness = harness(parallelism, subtask);
        harness.open();
        return harness;
    }

    private static OneInputStreamOperatorTestHarness<PendingRequest, Trajectory> harness(int parallelism, int subtask)
            throws Exception {
        return harness(settings, parallelism, subtask);
    }

    private static OneInputStreamOperatorTestHarness<PendingRequest, Trajectory> harness(
            GenerationSettings settings, int parallelism, int subtask) throws Exception {
        var harness = new OneInputStreamOperatorTestHarness<>(
                new DenoiseOperatorFactory(settings), MAX_PARALLELISM, parallelism, subtask);
        harness.setup(new AvroTypeInfo<>(Trajectory.class)
                .createSerializer(harness.getExecutionConfig().getSerializerConfig()));
        return harness;
    }

    /** Nothing but the test drives the mailbox in the harness. */
    private static boolean oneMail(AbstractStreamOperatorTestHarness<?> harness) throws Exception {
        Optional<Mail> mail = harness.getTaskMailbox().tryTake(TaskMailbox.MIN_PRIORITY);
        if (mail.isPresent()) {
            mail.get().run();
        }
        return mail.isPresent();
    }

    /** A denoising step; before it, a mail that gives up its turn to look for more input. */
    private static void oneStep(OneInputStreamOperatorTestHarness<PendingRequest, Trajectory> harness)
            throws Exception {
        DenoiseOperator operator = (DenoiseOperator) harness.getOperator();
        long before = operator.stepsDone();
        while (operator.stepsDone() == before && oneMail(harness)) {
            // another mail
        }
    }

    private static void drain(AbstractStreamOperatorTestHarness<?> harness) throws Exception {
        while (oneMail(harness)) {
            // another mail
        }
    }

    private static List<String> ids(OneInputStreamOperatorTestHarness<PendingRequest, Trajectory> harness) {
        return harness.extractOutputValues().stream()
                .map(done -> done.getRequest().getRequestId())
                .toList();
    }

    private static Map<String, List<Byte>> latents(List<Trajectory> done) {
        Map<String, List<Byte>> latents = new TreeMap<>();
        for (Trajectory trajectory : done) {
            List<Byte> bytes = new ArrayList<>();
            for (byte b : trajectory.getLatent().array()) {
                bytes.add(b);
            }
            latents.put(trajectory.getRequest().getRequestId() + "-" + trajectory.getSample(), bytes);
        }
        return latents;
    }

    private static PendingRequest request(String id, int steps, int count) {
        int subclass = Math.floorMod(id.hashCode(), TinyModel.CLASSES);
        GenerationRequest request = GenerationRequest.newBuilder()
                .setRequestId(id)
                .setSubclassId(subclass)
                .setSeed(id.hashCode())
                .setSteps(steps)
                .setCount(count)
                .setSampler(steps % 2 == 0 ? SamplerName.DDIM : SamplerName.DDPM)
                .setGuidance(GuidanceSpec.newBuilder()
                        .setMode(GuidanceMode.FINE_GRAINED)
                        .setScale(1.5)
                        .build())
                .build();
        return PendingRequest.newBuilder()
                .setRequest(request)
                .setSubclassId(subclass)
                .setNextSample(0)
                .setSourceTopic("requests")
                .setSourcePartition(0)
                .setSourceOffset(0)
                .setSourceTimestamp(Instant.EPOCH)
                .setEnqueuedAt(Instant.EPOCH)
                .build();
    }
}
