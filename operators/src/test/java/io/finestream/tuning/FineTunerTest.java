package io.finestream.tuning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import ai.djl.Device;
import io.finestream.TinyModel;
import io.finestream.dit.ComputeType;
import io.finestream.dit.DiTParameters;
import io.finestream.dit.Taxonomy;
import io.finestream.schemas.LiveVersion;
import io.finestream.schemas.ParameterSlice;
import io.finestream.schemas.ParameterVersion;
import io.finestream.schemas.TaxonomyEntry;
import io.finestream.torch.TorchOps;
import io.finestream.weights.GenerativeModel;
import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FineTunerTest {

    private static final Taxonomy.ClassName NEW = new Taxonomy.ClassName("round", "new");
    private static final Taxonomy.ClassName KNOWN = new Taxonomy.ClassName("square", "class 1");
    private static final TuningSettings SETTINGS = settings(3e-3, 0.05, 20);

    @TempDir
    static Path directory;

    private static GenerativeModel base;

    @BeforeAll
    static void load() throws IOException {
        TorchOps.prepareThread(1, true);
        base = GenerativeModel.load(TinyModel.write(directory.resolve("model"), 1), Device.cpu(), ComputeType.FP32);
    }

    @AfterAll
    static void close() {
        TorchOps.recordGradients(false);
        base.close();
    }

    @Test
    void whatIsShownIsLearnedAndBecomesAVersion() {
        try (FineTuner tuner = tuner(SETTINGS)) {
            show(tuner, NEW, 40, true);
            show(tuner, KNOWN, 40, false);
            List<FineTuner.Verdict> verdicts = finish(tuner);
            assertThat(verdicts).isNotEmpty().allMatch(FineTuner.Verdict::passed);
            Gate.Result last = verdicts.get(verdicts.size() - 1).results().get(1);
            assertThat(last.group()).isEqualTo("added classes");
            assertThat(last.after())
                    .isLessThan(0.9 * verdicts.get(0).results().get(1).before());
            assertThat(tuner.version()).isEqualTo(verdicts.size());
        }
    }

    @Test
    void aNewClassIsAskedForAtOnceAndStartsAsItsSuperclass() {
        try (FineTuner tuner = tuner(SETTINGS)) {
            show(tuner, NEW, 1, true);
            assertThat(tuner.hasUnpublishedClasses()).isTrue();
            Release release = tuner.publish(false);
            assertThat(release.version()).isEqualTo(1);
            assertThat(release.addedClasses()).containsExactly(NEW);
            ParameterSlice row = release.slices().get(0);
            assertThat(release.slices()).hasSize(1);
            assertThat(row.getTensor()).isEqualTo(DiTParameters.SUBCLASS_TABLE);
            assertThat(row.getRowStart()).isEqualTo(TinyModel.CLASSES);
            float[] superclasses = Objects.requireNonNull(base.parameters().get(DiTParameters.SUPERCLASS_TABLE))
                    .toFloatArray();
            assertThat(floats(row))
                    .isEqualTo(Arrays.copyOf(superclasses, base.config().dit().hiddenSize())); // "round" is the first
            assertThat(tuner.hasUnpublishedClasses()).isFalse();
        }
    }

    @Test
    void aVersionHoldsOnlyWhatChanged() {
        try (FineTuner tuner = tuner(SETTINGS)) {
            show(tuner, KNOWN, 8, true);
            tuner.step();
            Release first = tuner.publish(true);
            assertThat(first.slices()).isNotEmpty().allMatch(slice -> slice.getVersion() == 1);
            assertThat(first.slices())
                    .filteredOn(slice -> slice.getTensor().equals(DiTParameters.SUBCLASS_TABLE))
                    .extracting(ParameterSlice::getRowStart)
                    .containsExactly(1L); // the only class that was shown
            assertThat(tuner.publish(true).slices()).isEmpty();
        }
    }

    @Test
    void aRestoredTunerFindsTheSameLossesToTheLastBit() {
        try (FineTuner original = tuner(SETTINGS);
                FineTuner restored = tuner(SETTINGS)) {
            show(original, NEW, 20, true);
            show(original, KNOWN, 30, false);
            for (int i = 0; i < 5; i++) {
                original.step();
            }
            original.publish(true);
            show(original, new Taxonomy.ClassName("oval", "newer"), 10, true);
            original.step();
            restored.images()
                    .restore(original.images().save(), original.images().counts());
            restored.restore(original.progress(), original.addedClasses(), original.state(), original.published());
            for (int i = 0; i < 10; i++) {
                show(original, KNOWN, 1, true);
                show(restored, KNOWN, 1, true);
                assertThat(restored.step()).isEqualTo(original.step());
            }
            assertThat(measured(restored)).isEqualTo(measured(original));
            assertThat(restored.publish(true)).isEqualTo(original.publish(true));
        }
    }

    @Test
    void aLossThatIsNoNumberUndoesWhatWasLearned() {
        try (FineTuner tuner = tuner(SETTINGS)) {
            show(tuner, KNOWN, 20, true);
            tuner.step();
            tuner.publish(true);
            List<ParameterSlice> good = tuner.state();
            tuner.step();
            float[] poison = latent(1);
            poison[3] = Float.NaN;
            tuner.add("poison", KNOWN, poison, true);
            String trouble = null;
            while (trouble == null && tuner.owesStep()) {
                trouble = tuner.step().rolledBack();
            }
            assertThat(trouble).contains("NaN").contains("expected numbers");
            assertThat(tuner.state()).isEqualTo(good);
        }
    }

    @Test
    void aCandidateThatIsWorseIsHeldBackAndOneTooManyIsUndone() {
        try (FineTuner tuner = tuner(settings(3, 0, 5))) { // a rate that destroys
            show(tuner, KNOWN, 40, true);
            show(tuner, NEW, 40, true);
            List<ParameterSlice> good = tuner.state();
            List<FineTuner.Verdict> verdicts = finish(tuner);
            assertThat(verdicts).hasSizeGreaterThanOrEqualTo(3).noneMatch(FineTuner.Verdict::passed);
            assertThat(verdicts).anyMatch(FineTuner.Verdict::rolledBack);
            assertThat(tuner.version()).isZero();
            assertThat(tuner.state()).hasSameSizeAs(good);
            assertThat(tuner.owesStep()).isFalse(); // what led astray waits in the replay buffer
        }
    }

    @Test
    void refusesAClassThatChangesItsSuperclass() {
        try (FineTuner tuner = tuner(SETTINGS)) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> tuner.requireConsistent(new Taxonomy.ClassName("round", "class 1")))
                    .withMessageContaining("'class 1'")
                    .withMessageContaining("'square'");
        }
    }

    @Test
    void goesOnFromAVersionThatSomebodyElsePublished() {
        try (FineTuner other = tuner(SETTINGS);
                FineTuner tuner = tuner(SETTINGS)) {
            show(other, NEW, 10, true);
            other.step();
            other.publish(true);
            LiveVersion version = liveVersion(7, other);
            show(tuner, KNOWN, 10, true);
            tuner.step();
            tuner.adopt(version);
            assertThat(tuner.published()).isEqualTo(other.published());
            assertThat(tuner.addedClasses()).containsExactly(NEW);
            assertThat(tuner.owesStep()).isFalse();
            show(tuner, NEW, 10, true);
            tuner.step();
            assertThat(tuner.publish(true).version()).isEqualTo(8);
        }
    }

    @Test
    void refusesAVersionWithOtherClasses() {
        try (FineTuner other = tuner(SETTINGS);
                FineTuner tuner = tuner(SETTINGS)) {
            show(other, NEW, 1, true);
            other.publish(false);
            show(tuner, new Taxonomy.ClassName("square", "mine"), 1, true);
            assertThatIllegalStateException()
                    .isThrownBy(() -> tuner.adopt(liveVersion(3, other)))
                    .withMessageContaining("two jobs must not publish to one topic");
        }
    }

    private static LiveVersion liveVersion(long version, FineTuner of) {
        List<TaxonomyEntry> added = of.addedClasses().stream()
                .map(name -> new TaxonomyEntry(name.superclass(), name.subclass()))
                .toList();
        return LiveVersion.newBuilder()
                .setCommit(ParameterVersion.newBuilder()
                        .setVersion(version)
                        .setBaseModelHash(base.baseHash())
                        .setStep(1)
                        .setSlices(1)
                        .setCreatedAt(Instant.EPOCH)
                        .build())
                .setNextOffset(10)
                .setAddedClasses(added)
                .setTensors(of.published())
                .build();
    }

    private static TuningSettings settings(double learningRate, double margin, int gateEvery) {
        return TestTuning.settings(TuningStrategy.FINE_DIFFUSION, learningRate, margin, gateEvery);
    }

    private static FineTuner tuner(TuningSettings settings) {
        return new FineTuner(base, ComputeType.FP32, settings);
    }

    /** Images of a class look alike, and no two of them the same. */
    private static void show(FineTuner tuner, Taxonomy.ClassName name, int count, boolean learn) {
        for (int i = 0; i < count; i++) {
            long seed = 31L * name.hashCode() + tuner.images().save().size() + i;
            float[] latent = latent(seed);
            for (int k = 0; k < latent.length; k++) {
                latent[k] = 0.2f * latent[k] + ((k + name.subclass().hashCode()) % 5 < 2 ? 0.8f : -0.6f);
            }
            tuner.add(name.subclass() + "/" + seed, name, latent, learn);
        }
    }

    private static float[] latent(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        float[] latent = new float[base.config().dit().latentSize()];
        for (int k = 0; k < latent.length; k++) {
            latent[k] = (float) random.nextDouble(-1, 1);
        }
        return latent;
    }

    private static List<FineTuner.Verdict> finish(FineTuner tuner) {
        List<FineTuner.Verdict> verdicts = new ArrayList<>();
        while (tuner.owesStep() || tuner.candidateDue()) {
            if (tuner.candidateDue()) {
                FineTuner.Verdict verdict = measured(tuner);
                verdicts.add(verdict);
                if (verdict.passed()) {
                    tuner.publish(true);
                }
            } else {
                tuner.step();
            }
        }
        return verdicts;
    }

    private static FineTuner.Verdict measured(FineTuner tuner) {
        FineTuner.Verdict verdict;
        do {
            verdict = tuner.measure();
        } while (verdict == null);
        return verdict;
    }

    private static float[] floats(ParameterSlice slice) {
        float[] values = new float[slice.getData().remaining() / Float.BYTES];
        slice.getData()
                .duplicate()
                .order(ByteOrder.LITTLE_ENDIAN)
                .asFloatBuffer()
                .get(values);
        return values;
    }
}
