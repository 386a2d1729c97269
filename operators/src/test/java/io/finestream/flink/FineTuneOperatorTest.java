package io.finestream.flink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.finestream.TinyModel;
import io.finestream.codec.Images;
import io.finestream.schemas.DeadLetter;
import io.finestream.schemas.HeldBackCandidate;
import io.finestream.schemas.ImageUse;
import io.finestream.schemas.LabeledImage;
import io.finestream.schemas.ParameterVersion;
import io.finestream.schemas.ReasonCode;
import io.finestream.schemas.wire.AvroCodec;
import io.finestream.schemas.wire.WireFormat;
import io.finestream.torch.TorchOps;
import io.finestream.tuning.FineTuner;
import io.finestream.tuning.TestTuning;
import io.finestream.tuning.TuningStrategy;
import io.finestream.weights.ModelChoice;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.LongStream;
import org.apache.avro.specific.SpecificRecord;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.runtime.checkpoint.CheckpointOptions;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.checkpoint.SavepointType;
import org.apache.flink.runtime.state.CheckpointStorageLocationReference;
import org.apache.flink.runtime.state.memory.MemCheckpointStreamFactory;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.tasks.mailbox.Mail;
import org.apache.flink.streaming.runtime.tasks.mailbox.TaskMailbox;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FineTuneOperatorTest {

    private static final WireFormat FORMAT = new WireFormat.SingleObject();
    private static final AvroCodec<LabeledImage> LABELED = new AvroCodec<>(LabeledImage.class, FORMAT);
    private static final AvroCodec<ParameterVersion> COMMITS = new AvroCodec<>(ParameterVersion.class, FORMAT);
    private static final AvroCodec<HeldBackCandidate> HELD_BACK = new AvroCodec<>(HeldBackCandidate.class, FORMAT);

    @TempDir
    static Path directory;

    private static FineTuneSettings settings;

    @BeforeAll
    static void writeModel() {
        String model = TinyModel.write(directory.resolve("model"), 1).toString();
        settings = FineTuneSettings.forModel(ModelChoice.of(model), "test")
                .withTuning(TestTuning.settings(TuningStrategy.FINE_DIFFUSION, 3e-3, 0.1, 20))
                .withAdapters(directory.resolve("adapters").toString(), 1);
    }

    @AfterAll
    static void gradientsOff() {
        TorchOps.recordGradients(false); // the harness runs the operator in this thread
    }

    @Test
    void labeledImagesBecomeVersionsThatNameThem() throws Exception {
        try (Harness harness = Harness.opened()) {
            for (int i = 0; i < 30; i++) {
                harness.label("round", "new", i, ImageUse.LEARN);
            }
            harness.endInput();
            List<ParameterVersion> versions = harness.versions();
            assertThat(versions).isNotEmpty();
            assertThat(versions)
                    .extracting(ParameterVersion::getVersion)
                    .isEqualTo(
                            LongStream.rangeClosed(1, versions.size()).boxed().toList());
            ParameterVersion first = versions.get(0);
            assertThat(first.getParent()).isNull();
            assertThat(first.getPublisher()).isEqualTo("test");
            assertThat(first.getTaxonomyDelta()).hasSize(1);
            assertThat(first.getTrainedOffsets()).hasSize(1);
            assertThat(first.getTrainedOffsets().get(0).getFirstOffset()).isZero();
            assertThat(first.getTrainedOffsets().get(0).getLastOffset()).isEqualTo(29);
            assertThat(versions.get(versions.size() - 1).getGate()).isNotEmpty();
            assertThat(directory.resolve("adapters/adapter-1.safetensors")).exists();
        }
    }

    @Test
    void aCandidateThatTheGateHoldsBackIsToldBesideTheVersions() throws Exception {
        // a rate that destroys
        FineTuneSettings bad = settings.withTuning(TestTuning.settings(TuningStrategy.FINE_DIFFUSION, 3, 0, 5));
        try (Harness harness = new Harness(bad)) {
            harness.open();
            for (int i = 0; i < 40; i++) {
                harness.label("round", "class 0", i, ImageUse.LEARN);
            }
            harness.endInput();
            List<HeldBackCandidate> heldBack = harness.records(HELD_BACK);
            assertThat(heldBack).isNotEmpty();
            HeldBackCandidate first = heldBack.get(0);
            assertThat(first.getParent()).isZero();
            assertThat(first.getStep()).isEqualTo(5);
            assertThat(first.getPublisher()).isEqualTo("test");
            assertThat(first.getTrainingLoss()).isPositive();
            assertThat(first.getGate())
                    .isNotEmpty()
                    .allSatisfy(result -> assertThat(result.getAfter()).isGreaterThan(result.getBefore()));
        }
    }

    @Test
    void aSavepointsVersionIsWrittenAsAFileAndACheckpointsIsNot(@TempDir Path adapters) throws Exception {
        try (Harness harness = new Harness(settings.withAdapters(adapters.toString(), 1_000))) {
            harness.open();
            harness.label("round", "new", 1, ImageUse.LEARN);
            while (harness.versions().isEmpty()) {
                harness.oneStep();
            }
            harness.snapshot(1, 1);
            assertThat(adapters).isEmptyDirectory();
            harness.savepoint(2);
            assertThat(adapters).isDirectoryContaining(file -> file.endsWith("adapter-1.safetensors"));
        }
    }

    @Test
    void theTenLossesAfterARestoreAreThoseOfTheRunThatWasNotKilled() throws Exception {
        OperatorSubtaskState snapshot;
        List<Double> undisturbed = new ArrayList<>();
        try (Harness harness = Harness.opened()) {
            for (int i = 0; i < 30; i++) {
                harness.label("round", "new", i, i % 3 == 0 ? ImageUse.REPLAY : ImageUse.LEARN);
            }
            for (int step = 0; step < 7; step++) {
                harness.oneStep();
            }
            snapshot = harness.snapshot(1, 1);
            for (int step = 0; step < 10; step++) {
                undisturbed.add(harness.oneStep().averageLoss());
            }
        }
        try (Harness harness = new Harness(settings)) {
            harness.initializeState(snapshot);
            harness.open();
            for (int step = 0; step < 10; step++) {
                FineTuner.Progress progress = harness.oneStep();
                assertThat(progress.step()).isEqualTo(8 + step);
                assertThat(progress.averageLoss()).isEqualTo(undisturbed.get(step)); // of every loss so far
            }
        }
    }

    @Test
    void whatCanNotBeLearnedGoesToTheDeadLettersAndTheRestIsLearned() throws Exception {
        try (Harness harness = Harness.opened()) {
            harness.record(null);
            harness.record("{\"subclass\": \"rose\"}".getBytes(StandardCharsets.UTF_8));
            harness.record(LABELED.encode(label("round", " ", 1, ImageUse.LEARN)));
            harness.record(LABELED.encode(label("round", "class 1", 1, ImageUse.LEARN))); // it is square
            LabeledImage corrupt = label("round", "new", 1, ImageUse.LEARN);
            corrupt.setImage(ByteBuffer.wrap(new byte[] {(byte) 0x89, 'P', 'N', 'G', 1, 2, 3}));
            harness.record(LABELED.encode(corrupt));
            harness.label("round", "new", 2, ImageUse.LEARN);
            assertThat(harness.deadLetters())
                    .extracting(DeadLetter::getReasonCode)
                    .containsExactly(
                            ReasonCode.UNREADABLE,
                            ReasonCode.UNREADABLE,
                            ReasonCode.INVALID,
                            ReasonCode.INVALID,
                            ReasonCode.UNREADABLE);
            assertThat(harness.deadLetters().get(3).getReason())
                    .contains("'class 1'")
                    .contains("'square'");
            harness.endInput();
            assertThat(harness.versions()).isNotEmpty();
        }
    }

    @Test
    void stateOfAnotherStrategyIsRefused() throws Exception {
        OperatorSubtaskState snapshot;
        try (Harness harness = Harness.opened()) {
            snapshot = harness.snapshot(1, 1);
        }
        FineTuneSettings other = settings.withTuning(TestTuning.settings(TuningStrategy.BIT_FIT, 1e-3, 0.1, 20));
        try (Harness harness = new Harness(other)) {
            harness.initializeState(snapshot);
            assertThatThrownBy(harness::open)
                    .hasMessageContaining("strategy fine-diffusion")
                    .hasMessageContaining("bit-fit");
        }
    }

    private static LabeledImage label(String superclass, String subclass, int number, ImageUse use) {
        BufferedImage image = new BufferedImage(8, 8, BufferedImage.TYPE_INT_RGB);
        Graphics2D g = image.createGraphics();
        g.setColor(new Color(200, number % 50, 20));
        g.fillOval(1, 1, 4 + number % 3, 5);
        g.dispose();
        return LabeledImage.newBuilder()
                .setImageId(subclass + "/" + number)
                .setSuperclass(superclass)
                .setSubclass(subclass)
                .setImage(ByteBuffer.wrap(Images.toPng(image)))
                .setUse(use)
                .build();
    }

    /** The operator, its mailbox driven by nothing but the test. */
    private static final class Harness extends OneInputStreamOperatorTestHarness<SourceRecord, KeyedRecord> {

        private long offset;

        Harness(FineTuneSettings settings) throws Exception {
            super(new FineTuneOperatorFactory(settings, null), 1, 1, 0);
            setup(TypeInformation.of(KeyedRecord.class)
                    .createSerializer(getExecutionConfig().getSerializerConfig()));
        }

        static Harness opened() throws Exception {
            Harness harness = new Harness(settings);
            harness.open();
            return harness;
        }

        void label(String superclass, String subclass, int number, ImageUse use) throws Exception {
            record(LABELED.encode(FineTuneOperatorTest.label(superclass, subclass, number, use)));
        }

        void record(byte[] value) throws Exception {
            processElement(new SourceRecord(null, value, "labeled-images", 0, offset++, 0), 0);
        }

        void savepoint(long id) throws Exception {
            var unused = getOperator()
                    .snapshotState(
                            id,
                            id,
                            CheckpointOptions.alignedNoTimeout(
                                    SavepointType.savepoint(SavepointFormatType.CANONICAL),
                                    CheckpointStorageLocationReference.getDefault()),
                            new MemCheckpointStreamFactory(1 << 20));
        }

        boolean oneMail() throws Exception {
            Optional<Mail> mail = getTaskMailbox().tryTake(TaskMailbox.MIN_PRIORITY);
            if (mail.isPresent()) {
                mail.get().run();
            }
            return mail.isPresent();
        }

        FineTuner.Progress oneStep() throws Exception {
            FineTuner tuner = ((FineTuneOperator) getOperator()).tuner();
            long before = tuner.stepsDone();
            while (tuner.stepsDone() == before && oneMail()) {
                // a measurement, or a version
            }
            return tuner.progress();
        }

        List<ParameterVersion> versions() throws Exception {
            return records(COMMITS);
        }

        <T extends SpecificRecord> List<T> records(AvroCodec<T> codec) throws Exception {
            List<T> records = new ArrayList<>();
            for (KeyedRecord record : extractOutputValues()) {
                if (codec.holds(record.value())) {
                    records.add(codec.decode(record.value()));
                }
            }
            return records;
        }

        List<DeadLetter> deadLetters() {
            var letters = getSideOutput(FineTuneOperatorFactory.DEAD_LETTERS);
            return letters == null
                    ? List.of()
                    : letters.stream().map(StreamRecord::getValue).toList();
        }
    }
}
