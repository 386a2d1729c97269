package io.finestream.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import ai.djl.ndarray.NDArray;
import io.finestream.Golden;
import io.finestream.RandomWeights;
import io.finestream.dit.ComputeType;
import io.finestream.dit.DiT;
import io.finestream.dit.DiTConfig;
import io.finestream.dit.DiTParameters;
import io.finestream.torch.TorchOps;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Latents are compared to the last bit. */
class DenoiseBatchTest {

    private static final Golden GOLDEN = new Golden();
    private static final DiTConfig CONFIG = new DiTConfig(8, 2, 3, 64, 2, 4, 12, 3, true);
    private static final DiffusionModel MODEL = model(ComputeType.FP32);

    private static final Guidance LATE = new Guidance(Guidance.Mode.FINE_GRAINED, 3, 0, 500, 3);

    /** Different samplers, lengths, guidance, scales, intervals and noise. */
    private static final List<SampleSpec> MIX = List.of(
            spec(0, Guidance.fineGrained(4, 3), new Sampler.Ddim(0), 6),
            spec(1, Guidance.NONE, new Sampler.Ddpm(), 9),
            spec(2, LATE, new Sampler.Ddim(0.7), 7),
            spec(3, new Guidance(Guidance.Mode.CLASSIFIER_FREE, 2, 0, 999, 1), new Sampler.Ddpm(), 4),
            spec(4, new Guidance(Guidance.Mode.FINE_GRAINED, -1.5, 300, 700, 2), new Sampler.Ddim(1), 8),
            spec(5, Guidance.fineGrained(1, 3), new Sampler.Ddim(0), 1),
            spec(0, Guidance.fineGrained(4, 3), new Sampler.Ddpm(), 6),
            spec(6, Guidance.fineGrained(2, 3), new Sampler.UniPc(), 7),
            spec(7, LATE, new Sampler.DpmSolverPp(), 5),
            spec(8, Guidance.NONE, new Sampler.UniPc(), 1),
            spec(9, new Guidance(Guidance.Mode.FINE_GRAINED, 3, 300, 700, 2), new Sampler.DpmSolverPp(), 16),
            spec(10, new Guidance(Guidance.Mode.CLASSIFIER_FREE, 2, 0, 999, 3), new Sampler.UniPc(), 16),
            spec(11, Guidance.NONE, new Sampler.Respaced(new Sampler.Ddpm(), Respacing.parse("3,2")), 5),
            spec(0, Guidance.fineGrained(4, 3), new Sampler.Cached(new Sampler.Ddim(0), 3), 12),
            spec(1, LATE, new Sampler.Cached(new Sampler.UniPc(), 2), 11),
            spec(2, Guidance.NONE, new Sampler.Cached(new Sampler.DpmSolverPp(), 4), 16));

    @BeforeAll
    static void prepareThread() {
        TorchOps.prepareThread(1, false);
    }

    @AfterAll
    static void close() {
        GOLDEN.close();
    }

    @ParameterizedTest
    @EnumSource
    void aMixOfRequestsAdmittedAtDifferentTimesGivesEachTheImageItHasAlone(ComputeType type) {
        DiffusionModel model = model(type);
        Map<Integer, float[]> together = new HashMap<>();
        try (DenoiseBatch<Integer> batch = batch(model, 24)) {
            int admitted = 0;
            while (admitted < MIX.size() || !batch.isEmpty()) {
                for (int i = 0; i < 2 && admitted < MIX.size(); i++) {
                    batch.admit(admitted, MIX.get(admitted++));
                }
                batch.step().forEach(image -> together.put(image.tag(), image.latent()));
            }
        }
        for (int i = 0; i < MIX.size(); i++) {
            assertThat(together.get(i)).as("sample %s", i).isEqualTo(alone(model, MIX.get(i)));
        }
    }

    @Test
    void nativeMemoryDoesNotGrowWithTheImagesMade() {
        try (DenoiseBatch<Integer> batch = batch(MODEL, 8)) {
            for (int i = 0; i < 30; i++) {
                batch.admit(i, MIX.get(i % MIX.size()));
                assertThat(batch.arraysHeld()).isEqualTo(tables(batch));
                batch.step();
                assertThat(batch.arraysHeld()).isEqualTo(tables(batch));
            }
        }
    }

    /** The latents, and the histories where a sampler needs one. */
    private static int tables(DenoiseBatch<Integer> batch) {
        boolean history = batch.inFlight().stream().anyMatch(sample -> isMultistep(sample.spec()));
        return (batch.isEmpty() ? 0 : 1) + (history ? 1 : 0);
    }

    private static boolean isMultistep(SampleSpec spec) {
        return spec.sampler() instanceof Sampler.DpmSolverPp
                || spec.sampler() instanceof Sampler.UniPc
                || spec.sampler() instanceof Sampler.Cached;
    }

    @Test
    void sampleIndexSeedAndEverySettingDecideTheImage() {
        List<float[]> images = new ArrayList<>();
        MIX.forEach(spec -> images.add(alone(MODEL, spec)));
        SampleSpec first = MIX.get(0);
        images.add(alone(MODEL, new SampleSpec(0, 0, first.seed(), 1, first.guidance(), first.sampler(), 6)));
        images.add(alone(MODEL, new SampleSpec(0, 0, 7, 0, first.guidance(), first.sampler(), 6)));
        images.add(alone(MODEL, new SampleSpec(1, 0, first.seed(), 0, first.guidance(), first.sampler(), 6)));
        images.add(alone(MODEL, new SampleSpec(0, 0, first.seed(), 0, Guidance.NONE, first.sampler(), 6)));
        assertThat(images).doesNotHaveDuplicates();
        assertThat(images).allSatisfy(image -> {
            for (float value : image) {
                assertThat(Float.isFinite(value)).isTrue();
            }
        });
    }

    @Test
    void noPassTakesMoreRowsThanTheBudgetAndTheOldestGoFirst() {
        int budget = 5;
        SampleSpec spec = spec(2, LATE, new Sampler.Ddim(0), 6); // three steps of one row, then three of two
        List<Integer> finished = new ArrayList<>();
        Map<Integer, float[]> images = new HashMap<>();
        try (DenoiseBatch<Integer> batch = batch(MODEL, budget)) {
            for (int i = 0; i < budget; i++) {
                assertThat(batch.hasRoomFor(spec)).isTrue();
                batch.admit(i, spec);
            }
            assertThat(batch.hasRoomFor(spec)).isFalse();
            boolean budgetBound = false;
            while (!batch.isEmpty()) {
                long passes = batch.stepsDone();
                long rows = batch.rowsDone();
                budgetBound |= batch.rowsInFlight() > budget;
                batch.step().forEach(image -> {
                    finished.add(image.tag());
                    images.put(image.tag(), image.latent());
                });
                assertThat(batch.stepsDone()).isEqualTo(passes + 1);
                assertThat(batch.rowsDone() - rows).isBetween(1L, (long) budget);
                List<Integer> progress = batch.inFlight().stream()
                        .map(DenoiseBatch.InFlight::step)
                        .toList();
                assertThat(progress).isSortedAccordingTo((a, b) -> b - a);
            }
            assertThat(budgetBound).isTrue();
        }
        assertThat(finished).containsExactly(0, 1, 2, 3, 4);
        assertThat(images.values()).allSatisfy(image -> assertThat(image).isEqualTo(alone(MODEL, spec)));
    }

    @Test
    void savedTrajectoriesResumedInAnotherBatchGiveTheSameImages() {
        List<DenoiseBatch.InFlight<Integer>> saved;
        try (DenoiseBatch<Integer> batch = batch(MODEL, 24)) {
            List<SampleSpec> longestFirst = MIX.stream()
                    .sorted(Comparator.comparingInt(SampleSpec::steps).reversed())
                    .toList();
            for (int i = 0; i < longestFirst.size(); i++) {
                batch.admit(i, longestFirst.get(i));
                if (i % 3 == 2) {
                    batch.step();
                }
            }
            saved = batch.inFlight();
        }
        assertThat(saved).extracting(DenoiseBatch.InFlight::step).contains(0, 1, 2, 3, 4);
        assertThat(saved).filteredOn(sample -> isMultistep(sample.spec())).hasSizeGreaterThan(2);
        try (DenoiseBatch<Integer> other = batch(MODEL, 4)) {
            other.admit(100, MIX.get(6));
            for (int i = saved.size() - 1; i >= 0; i--) {
                other.resume(saved.get(i));
            }
            Map<Integer, float[]> images = drain(other);
            assertThat(images).hasSize(saved.size() + 1);
            saved.forEach(sample -> assertThat(images.get(sample.tag()))
                    .as("sample %s", sample.tag())
                    .isEqualTo(alone(MODEL, sample.spec())));
        }
    }

    @ParameterizedTest
    @EnumSource
    void aTrajectoryWithHistoryResumedAtAnyStepGivesTheSameImage(ComputeType type) {
        DiffusionModel model = model(type);
        Map<Sampler, Integer> kept = Map.of(
                new Sampler.UniPc(), 2,
                new Sampler.DpmSolverPp(), 1,
                new Sampler.Cached(new Sampler.Ddim(0), 2), 3,
                new Sampler.Cached(new Sampler.UniPc(), 3), 5);
        for (Sampler sampler : kept.keySet()) {
            SampleSpec spec = spec(3, Guidance.fineGrained(2, 3), sampler, 6);
            float[] undisturbed = alone(model, spec);
            for (int at = 0; at < 6; at++) {
                DenoiseBatch.InFlight<Integer> saved;
                try (DenoiseBatch<Integer> batch = batch(model, 24)) {
                    batch.admit(1, MIX.get(10));
                    batch.admit(0, spec);
                    batch.admit(2, MIX.get(7));
                    for (int step = 0; step < at; step++) {
                        batch.step();
                    }
                    saved = batch.inFlight().get(1);
                }
                assertThat(saved.history()).hasSize(at == 0 ? 0 : kept.get(sampler));
                try (DenoiseBatch<Integer> other = batch(model, 24)) {
                    other.admit(3, MIX.get(9));
                    other.step();
                    other.admit(4, MIX.get(0));
                    other.resume(saved);
                    assertThat(drain(other).get(0))
                            .as("%s from step %s", sampler, at)
                            .isEqualTo(undisturbed);
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 1000})
    void everySamplerStaysFiniteAtTheEdges(int steps) {
        for (Sampler sampler : List.of(
                new Sampler.Ddim(0),
                new Sampler.Ddim(1),
                new Sampler.Ddpm(),
                new Sampler.DpmSolverPp(),
                new Sampler.UniPc(),
                new Sampler.Cached(new Sampler.UniPc(), 3))) {
            for (PredictionType prediction : PredictionType.values()) {
                SamplingPlan plan = SamplingPlan.of(NoiseSchedule.DIT, prediction, sampler, steps);
                float[] numbers = new float[SamplingPlan.COEFFICIENTS + SamplingPlan.HISTORY_COEFFICIENTS];
                for (SamplingPlan.Step step : plan.steps()) {
                    step.write(numbers, 0);
                    if (plan.isMultistep()) {
                        step.writeHistory(numbers, SamplingPlan.COEFFICIENTS);
                    }
                    for (float number : numbers) {
                        assertThat(number).as("%s", step).isFinite();
                    }
                }
            }
            if (steps <= 3) {
                for (float value : alone(MODEL, spec(0, Guidance.NONE, sampler, steps))) {
                    assertThat(value).as("%s", sampler).isFinite();
                }
            }
        }
    }

    @Test
    void savedLatentsAreNotTouchedByLaterSteps() {
        try (DenoiseBatch<Integer> batch = batch(MODEL, 4)) {
            batch.admit(0, MIX.get(0));
            float[] saved = batch.inFlight().get(0).latent();
            float[] copy = saved.clone();
            batch.step();
            assertThat(saved)
                    .isEqualTo(copy)
                    .isNotEqualTo(batch.inFlight().get(0).latent());
        }
    }

    @Test
    void aSampleCostsTwoRowsInsideItsGuidanceIntervalAndOneOutside() {
        assertThat(rowsOf(spec(0, Guidance.NONE, new Sampler.Ddim(0), 10))).isEqualTo(10);
        assertThat(rowsOf(spec(0, Guidance.fineGrained(1, 3), new Sampler.Ddim(0), 10)))
                .isEqualTo(10);
        assertThat(rowsOf(spec(0, Guidance.fineGrained(4, 3), new Sampler.Ddim(0), 10)))
                .isEqualTo(20);
        Guidance middle = new Guidance(Guidance.Mode.FINE_GRAINED, 4, 200, 500, 3); // of 0, 100, …, 900: four
        assertThat(rowsOf(spec(0, middle, new Sampler.Ddim(0), 10))).isEqualTo(14);
    }

    @Test
    void aCacheOfIntervalOneIsNoCacheToTheLastBit() {
        for (Sampler sampler : List.of(new Sampler.Ddim(0), new Sampler.DpmSolverPp(), new Sampler.UniPc())) {
            SampleSpec plain = spec(3, LATE, sampler, 7);
            assertThat(alone(MODEL, spec(3, LATE, new Sampler.Cached(sampler, 1), 7)))
                    .as("%s", sampler)
                    .isEqualTo(alone(MODEL, plain));
        }
    }

    @Test
    void aCachedSampleTakesRowsOfThePassesThatItAsksForAndNoOthers() {
        SampleSpec cached = spec(0, Guidance.fineGrained(4, 3), new Sampler.Cached(new Sampler.Ddim(0), 3), 10);
        SampleSpec plain = spec(1, Guidance.NONE, new Sampler.Ddim(0), 10);
        List<Integer> alone = new ArrayList<>();
        try (DenoiseBatch<Integer> batch = batch(MODEL, 4)) {
            batch.admit(0, cached);
            while (!batch.isEmpty()) {
                alone.add(batch.rowsInFlight());
                batch.step();
            }
            assertThat(batch.stepsDone()).isEqualTo(6);
            assertThat(batch.rowsDone()).isEqualTo(12);
        }
        assertThat(alone).containsExactly(2, 2, 2, 0, 0, 2, 0, 0, 2, 2);
        List<Long> together = new ArrayList<>();
        try (DenoiseBatch<Integer> batch = batch(MODEL, 4)) {
            batch.admit(0, cached);
            batch.admit(1, plain);
            while (!batch.isEmpty()) {
                long before = batch.rowsDone();
                batch.step();
                together.add(batch.rowsDone() - before);
            }
        }
        assertThat(together).containsExactly(3L, 3L, 3L, 1L, 1L, 3L, 1L, 1L, 3L, 3L);
    }

    @Test
    void thereIsRoomForOthersWhileACachedSampleDoesNotAsk() {
        SampleSpec cached = spec(0, Guidance.fineGrained(4, 3), new Sampler.Cached(new Sampler.Ddim(0), 3), 10);
        try (DenoiseBatch<Integer> batch = batch(MODEL, 2)) {
            batch.admit(0, cached);
            assertThat(batch.hasRoomFor(cached)).isFalse();
            batch.step();
            batch.step();
            batch.step();
            assertThat(batch.hasRoomFor(cached)).isTrue();
            batch.admit(1, cached);
            batch.step();
            assertThat(batch.rowsDone()).isEqualTo(8);
            assertThat(batch.inFlight()).extracting(DenoiseBatch.InFlight::step).containsExactly(4, 1);
            float[] image = alone(MODEL, cached);
            assertThat(drain(batch).values())
                    .hasSize(2)
                    .allSatisfy(made -> assertThat(made).isEqualTo(image));
        }
    }

    @ParameterizedTest
    @EnumSource
    void theLastEstimateOfDdimIsItsImage(PredictionType prediction) {
        DiffusionModel model = new DiffusionModel(MODEL.ops(), MODEL.dit(), MODEL.schedule(), prediction);
        SampleSpec spec = spec(0, Guidance.fineGrained(4, 3), new Sampler.Ddim(0), 4);
        List<float[]> estimates = new ArrayList<>();
        try (DenoiseBatch<Integer> batch = batch(model, 8)) {
            batch.admit(7, spec);
            batch.admit(8, spec);
            List<DenoiseBatch.Finished<Integer>> finished = List.of();
            while (finished.isEmpty()) {
                finished = batch.step(new int[] {0, 1}, new DenoiseBatch.Estimates<>() {
                    @Override
                    public boolean wants(Integer tag) {
                        return tag == 8;
                    }

                    @Override
                    public void take(Integer tag, float[] x0) {
                        estimates.add(x0);
                    }
                });
            }
            assertThat(estimates).hasSize(4);
            assertThat(estimates.get(3)).containsExactly(finished.get(1).latent(), Offset.offset(1e-4f));
            assertThat(estimates.get(0)).isNotEqualTo(estimates.get(3));
        }
    }

    @Test
    void onlyTheChosenTrajectoriesAdvance() {
        SampleSpec guided = spec(0, Guidance.fineGrained(4, 3), new Sampler.Ddim(0), 5); // two rows
        try (DenoiseBatch<Integer> batch = batch(MODEL, 5)) {
            for (int i = 0; i < 3; i++) {
                batch.admit(i, guided);
            }
            batch.step(new int[] {1}, DenoiseBatch.Estimates.none());
            assertThat(batch.rowsDone()).isEqualTo(2);
            assertThat(batch.progress()).extracting(DenoiseBatch.Progress::step).containsExactly(0, 1, 0);
            batch.step(new int[] {0, 2}, DenoiseBatch.Estimates.none());
            assertThat(batch.inFlight()).extracting(DenoiseBatch.InFlight::step).containsExactly(1, 1, 1);
            assertThat(batch.step(new int[0], DenoiseBatch.Estimates.none())).isEmpty();
            assertThat(batch.stepsDone()).isEqualTo(2);
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> batch.step(new int[] {0, 1, 2}, DenoiseBatch.Estimates.none()))
                    .withMessage("a step of 6 rows, expected at most 5");
        }
    }

    @ParameterizedTest
    @EnumSource
    void aTrajectoryThatSitsStepsOutGivesTheImageItHasAlone(ComputeType type) {
        DiffusionModel model = model(type);
        Random random = new Random(1);
        Map<Integer, float[]> images = new HashMap<>();
        try (DenoiseBatch<Integer> batch = batch(model, 8)) {
            int admitted = 0;
            while (admitted < MIX.size() || !batch.isEmpty()) {
                if (admitted < MIX.size()) {
                    batch.admit(admitted, MIX.get(admitted++));
                }
                int rows = 0;
                IntStream.Builder chosen = IntStream.builder();
                List<DenoiseBatch.Progress<Integer>> inFlight = batch.progress();
                for (int i = 0; i < inFlight.size(); i++) {
                    if (random.nextBoolean() && rows + inFlight.get(i).rows() <= 8) {
                        rows += inFlight.get(i).rows();
                        chosen.add(i);
                    }
                }
                batch.step(chosen.build().toArray(), DenoiseBatch.Estimates.none())
                        .forEach(image -> images.put(image.tag(), image.latent()));
            }
        }
        for (int i = 0; i < MIX.size(); i++) {
            assertThat(images.get(i)).as("sample %s", i).isEqualTo(alone(model, MIX.get(i)));
        }
    }

    @Test
    void droppedTrajectoriesLeaveTheOthersAlone() {
        try (DenoiseBatch<Integer> batch = batch(MODEL, 24)) {
            for (int i = 0; i < MIX.size(); i++) {
                batch.admit(i, MIX.get(i));
            }
            batch.step();
            List<Integer> inFlight =
                    batch.progress().stream().map(DenoiseBatch.Progress::tag).toList();
            List<Integer> even = inFlight.stream().filter(i -> i % 2 == 0).toList();
            assertThat(batch.drop(i -> i % 2 == 0)).isEqualTo(even);
            assertThat(batch.drop(i -> i % 2 == 0)).isEmpty();
            Map<Integer, float[]> images = drain(batch);
            assertThat(images).hasSize(inFlight.size() - even.size());
            images.forEach((i, image) -> assertThat(image).as("sample %s", i).isEqualTo(alone(MODEL, MIX.get(i))));
            assertThat(batch.arraysHeld()).isZero();
        }
    }

    @Test
    void aShortenedTrajectoryEndsSoonerAndIsTheSameAfterARestore() {
        for (Sampler sampler :
                List.of(new Sampler.Ddim(0.5), new Sampler.Ddpm(), new Sampler.DpmSolverPp(), new Sampler.UniPc())) {
            SampleSpec spec = spec(3, Guidance.fineGrained(2, 3), sampler, 20);
            List<DenoiseBatch.InFlight<Integer>> saved = new ArrayList<>();
            float[] image;
            try (DenoiseBatch<Integer> batch = batch(MODEL, 24)) {
                batch.admit(0, spec);
                batch.admit(1, MIX.get(0));
                for (int step = 0; step < 4; step++) {
                    batch.step();
                }
                batch.shorten(0, 6);
                for (int step = 0; step < 2; step++) {
                    batch.step();
                    saved.add(batch.inFlight().get(0));
                }
                batch.shorten(0, 2);
                saved.add(batch.inFlight().get(0));
                batch.step();
                saved.add(batch.inFlight().get(0));
                List<DenoiseBatch.Finished<Integer>> finished = batch.step();
                assertThat(finished).hasSize(1);
                assertThat(finished.get(0).spec().steps()).isEqualTo(8);
                image = finished.get(0).latent();
            }
            assertThat(image).isNotEqualTo(alone(MODEL, spec));
            for (float value : image) {
                assertThat(value).as("%s", sampler).isFinite();
            }
            SampleSpec shortened = spec.shortened(4, 6).shortened(6, 2);
            assertThat(saved.get(3).spec()).isEqualTo(shortened);
            assertThat(alone(MODEL, shortened)).as("%s from its start", sampler).isEqualTo(image);
            for (DenoiseBatch.InFlight<Integer> at : saved.subList(2, 4)) {
                try (DenoiseBatch<Integer> other = batch(MODEL, 24)) {
                    other.admit(3, MIX.get(9));
                    other.resume(at);
                    assertThat(drain(other).get(0)).as("%s resumed", sampler).isEqualTo(image);
                }
            }
        }
    }

    @Test
    void steppingAnEmptyBatchDoesNothing() {
        try (DenoiseBatch<Integer> batch = batch(MODEL, 4)) {
            assertThat(batch.step()).isEmpty();
            assertThat(batch.inFlight()).isEmpty();
            assertThat(batch.stepsDone()).isZero();
            assertThat(batch.rowsDone()).isZero();
        }
    }

    @Test
    void whatDoesNotFitTheModelIsRefusedAndLeavesTheOthersAlone() {
        SampleSpec good = MIX.get(0);
        int size = CONFIG.latentSize();
        try (DenoiseBatch<Integer> batch = batch(MODEL, 24)) {
            batch.admit(0, good);
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> batch.resume(new DenoiseBatch.InFlight<>(1, good, 0, new float[5], List.of())))
                    .withMessageContaining("has 5 numbers, the model's have " + size);
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> batch.resume(new DenoiseBatch.InFlight<>(1, good, 6, new float[size], List.of())))
                    .withMessageContaining("6 of 6 steps");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> batch.resume(
                            new DenoiseBatch.InFlight<>(1, MIX.get(7), 2, new float[size], List.of(new float[size]))))
                    .withMessageContaining("a history of [" + size + "] numbers, expected 2 times " + size);
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> batch.admit(1, spec(0, Guidance.NONE, new Sampler.Ddim(0), 0)))
                    .withMessageContaining("steps is 0");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> batch.admit(1, spec(12, Guidance.NONE, new Sampler.Ddim(0), 5)))
                    .withMessageContaining("subclass is 12")
                    .withMessageContaining("0 to 11");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> batch.admit(1, spec(0, Guidance.fineGrained(2, 4), new Sampler.Ddim(0), 5)))
                    .withMessageContaining("guided channels is 4");
            assertThat(drain(batch))
                    .hasSize(1)
                    .hasEntrySatisfying(0, image -> assertThat(image).isEqualTo(alone(MODEL, good)));
        }
    }

    @Test
    void classifierFreeGuidanceOfAModelWithoutNullLabelIsRefused() throws Exception {
        try (DenoiseBatch<Integer> batch = batch(GOLDEN.model(ComputeType.FP32), 4)) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> batch.admit(0, MIX.get(3)))
                    .withMessageContaining("no null label");
            assertThat(batch.isEmpty()).isTrue();
        }
    }

    @Test
    void aBudgetTooSmallForAGuidedSampleIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> batch(MODEL, 1))
                .withMessageContaining("row budget is 1, expected at least 2");
    }

    private static DiffusionModel model(ComputeType type) {
        Map<String, NDArray> weights = DiTParameters.castForInference(
                GOLDEN.ops, GOLDEN.manager, RandomWeights.of(GOLDEN.manager, CONFIG, 3), type);
        return new DiffusionModel(
                GOLDEN.ops, new DiT(GOLDEN.ops, CONFIG, weights, type), NoiseSchedule.DIT, PredictionType.V_PREDICTION);
    }

    private static SampleSpec spec(int subclass, Guidance guidance, Sampler sampler, int steps) {
        return new SampleSpec(subclass, subclass % 3, 99, 0, guidance, sampler, steps);
    }

    private static DenoiseBatch<Integer> batch(DiffusionModel model, int maxRows) {
        return new DenoiseBatch<>(model, maxRows, Noise.SEEDED, GOLDEN.manager);
    }

    private static float[] alone(DiffusionModel model, SampleSpec spec) {
        try (DenoiseBatch<Integer> batch = batch(model, 2)) {
            batch.admit(0, spec);
            return drain(batch).get(0);
        }
    }

    private static long rowsOf(SampleSpec spec) {
        try (DenoiseBatch<Integer> batch = batch(MODEL, 4)) {
            batch.admit(0, spec);
            drain(batch);
            assertThat(batch.stepsDone()).isEqualTo(spec.steps());
            return batch.rowsDone();
        }
    }

    private static Map<Integer, float[]> drain(DenoiseBatch<Integer> batch) {
        Map<Integer, float[]> images = new HashMap<>();
        IntStream.range(0, 200)
                .takeWhile(i -> !batch.isEmpty())
                .forEach(i -> batch.step().forEach(image -> images.put(image.tag(), image.latent())));
        assertThat(batch.isEmpty()).isTrue();
        return images;
    }
}
