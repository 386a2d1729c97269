package io.finestream.tuning;

import static org.assertj.core.api.Assertions.assertThat;

import io.finestream.diffusion.NoiseSchedule;
import io.finestream.diffusion.PredictionType;
import io.finestream.dit.DiTConfig;
import io.finestream.dit.Label;
import io.finestream.dit.Taxonomy;
import io.finestream.weights.ModelConfig;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class StreamSamplerTest {

    private static final DiTConfig NETWORK = new DiTConfig(2, 1, 1, 8, 1, 2, 8, 2, false);
    private static final ModelConfig MODEL = new ModelConfig(
            "test",
            NETWORK,
            PredictionType.EPSILON,
            NoiseSchedule.DIT,
            ModelConfig.PIXEL,
            new ModelConfig.Defaults(1, 1));
    private static final Taxonomy TAXONOMY = new Taxonomy(
            List.of("a", "b"),
            IntStream.range(0, 8)
                    .mapToObj(i -> new Taxonomy.Subclass("class " + i, i % 2))
                    .toList());

    @Test
    void everyNewImageIsInAsManyBatchesAsItIsToBe() {
        StreamSampler sampler = sampler(0.5, 0, 5, 100);
        for (int i = 0; i < 30; i++) {
            sampler.add(image(i, 0), true);
            sampler.add(image(100 + i, 1), false);
        }
        Map<Float, Integer> uses = new HashMap<>();
        for (int step = 0; sampler.owesStep(); step++) {
            TrainingBatch batch = sampler.draw(step, TAXONOMY, NETWORK);
            for (int b = 0; b < 8; b++) {
                uses.merge(batch.x0()[b * 4], 1, Integer::sum);
            }
        }
        // afterwards a fresh image is replayed too, so it is in at least five
        assertThat(IntStream.range(0, 30)).allMatch(i -> uses.getOrDefault((float) i, 0) >= 5);
        assertThat(sampler.freshImages()).isZero();
        assertThat(sampler.replayImages()).isEqualTo(60);
    }

    @Test
    void halfOfABatchIsReplayedOnceThereIsSomethingToReplay() {
        StreamSampler sampler = sampler(0.5, 0, 50, 100);
        for (int i = 0; i < 20; i++) {
            sampler.add(image(i, 0), true);
        }
        assertThat(replayed(sampler.draw(0, TAXONOMY, NETWORK))).isZero();
        for (int i = 0; i < 20; i++) {
            sampler.add(image(1_000 + i, 1), false);
        }
        assertThat(replayed(sampler.draw(1, TAXONOMY, NETWORK))).isEqualTo(4);
    }

    @Test
    void withoutReplayOnlyNewImagesAreTrainedOn() {
        StreamSampler sampler = sampler(0, 0, 50, 100);
        sampler.add(image(1, 0), true);
        for (int i = 0; i < 20; i++) {
            sampler.add(image(1_000 + i, 1), false);
        }
        assertThat(replayed(sampler.draw(0, TAXONOMY, NETWORK))).isZero();
    }

    @Test
    void heldOutImagesAreNeverTrainedOn() {
        StreamSampler sampler = sampler(0.5, 0.3, 3, 100);
        for (int i = 0; i < 100; i++) {
            sampler.add(image(i, i % 4), i % 2 == 0);
        }
        List<Float> heldOut =
                sampler.heldOut(100, 2).stream().map(image -> image.latent()[0]).toList();
        assertThat(heldOut).hasSizeBetween(15, 45);
        for (int step = 0; sampler.owesStep(); step++) {
            TrainingBatch batch = sampler.draw(step, TAXONOMY, NETWORK);
            for (int b = 0; b < 8; b++) {
                assertThat(heldOut).doesNotContain(batch.x0()[b * 4]);
            }
        }
    }

    @Test
    void theSameImageIsHeldOutInEveryRun() {
        StreamSampler one = sampler(0.5, 0.3, 3, 100);
        StreamSampler other = sampler(0.5, 0.3, 3, 100);
        for (int i = 0; i < 50; i++) {
            one.add(image(i, i % 4), true);
            other.add(image(49 - i, (49 - i) % 4), false);
        }
        assertThat(one.heldOut(100, 8))
                .extracting(LabeledLatent::id)
                .containsExactlyInAnyOrderElementsOf(
                        other.heldOut(100, 8).stream().map(LabeledLatent::id).toList());
    }

    @Test
    void whereImagesComeFasterThanTheyAreLearnedTheOldestGiveWay() {
        StreamSampler sampler = sampler(0.5, 0, 5, 10);
        for (int i = 0; i < 100; i++) {
            sampler.add(image(i, 0), true);
        }
        assertThat(sampler.freshImages()).isEqualTo(10);
        assertThat(sampler.replayImages()).isEqualTo(90);
        assertThat(sampler.draw(0, TAXONOMY, NETWORK).x0()[0]).isEqualTo(90);
    }

    @Test
    void aDroppedLabelIsTheSuperclass() {
        TuningSettings always = settings(0.5, 0, 5, 100, 1);
        StreamSampler sampler = new StreamSampler(always, MODEL);
        sampler.add(image(1, 3), true);
        assertThat(sampler.draw(0, TAXONOMY, NETWORK).labels()).containsOnly(Label.superclass(1));
    }

    private static long replayed(TrainingBatch batch) {
        return IntStream.range(0, 8).filter(b -> batch.x0()[b * 4] >= 1_000).count();
    }

    private static LabeledLatent image(int number, int subclass) {
        return new LabeledLatent("image " + number, subclass, new float[] {number, 0, 0, 0});
    }

    private static StreamSampler sampler(double replayShare, double heldOutShare, int uses, int maxFresh) {
        return new StreamSampler(settings(replayShare, heldOutShare, uses, maxFresh, 0), MODEL);
    }

    private static TuningSettings settings(
            double replayShare, double heldOutShare, int uses, int maxFresh, double labelDropout) {
        return new TuningSettings(
                TuningStrategy.FINE_DIFFUSION,
                new TuningSettings.Optimization(
                        1e-3, 8, labelDropout, Timesteps.UNIFORM, Double.POSITIVE_INFINITY, 0.9, 1, 5),
                new TuningSettings.Images(replayShare, uses, maxFresh, 16_000, heldOutShare),
                new TuningSettings.Candidates(10, 10, 0.05, 3),
                1);
    }
}
