package io.finestream.tuning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.finestream.diffusion.NoiseSchedule;
import io.finestream.dit.DiTConfig;
import io.finestream.dit.Label;
import io.finestream.dit.Taxonomy;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class BatchSamplerTest {

    private static final int ROW = 12;
    private static final Latents DATA = data();

    @Test
    void theSameStepGivesTheSameBatch() {
        TrainingBatch a = sampler(0.1, 5).batch(17);
        TrainingBatch b = sampler(0.1, 5).batch(17);
        assertThat(a.x0()).isEqualTo(b.x0());
        assertThat(a.noise()).isEqualTo(b.noise());
        assertThat(a.t()).isEqualTo(b.t());
        assertThat(a.labels()).isEqualTo(b.labels());
    }

    @Test
    void otherStepsAndSeedsGiveOtherBatches() {
        TrainingBatch batch = sampler(0, 5).batch(17);
        for (TrainingBatch other :
                List.of(sampler(0, 5).batch(18), sampler(0, 6).batch(17))) {
            assertThat(other.x0()).isNotEqualTo(batch.x0());
            assertThat(other.noise()).isNotEqualTo(batch.noise());
            assertThat(other.t()).isNotEqualTo(batch.t());
            assertThat(other.labels()).isNotEqualTo(batch.labels());
        }
    }

    @Test
    void timestepsAreOneOfEachSliceOfTheScheduleAndCoverIt() {
        Set<Integer> seen = new HashSet<>();
        for (int step = 0; step < 2000; step++) {
            int[] t = sampler(0, 1).batch(step).t();
            for (int b = 0; b < 8; b++) {
                assertThat(t[b]).isBetween(b * 125, b * 125 + 124);
                seen.add(t[b]);
            }
        }
        assertThat(seen).hasSizeGreaterThan(990).contains(0, 999);
    }

    @Test
    void labelsAreReplacedByTheirSuperclassAtTheAskedRate() {
        BatchSampler sampler = sampler(0.1, 3);
        int dropped = 0;
        Set<Label> seen = new HashSet<>();
        for (int step = 0; step < 1000; step++) {
            TrainingBatch batch = sampler.batch(step);
            for (int b = 0; b < 8; b++) {
                Label label = batch.labels().get(b);
                seen.add(label);
                int subclass = (int) batch.x0()[b * ROW] / 40;
                if (label.tier() == Label.Tier.COARSE) {
                    dropped++;
                    assertThat(label.row()).isEqualTo(DATA.taxonomy().superclassOf(subclass));
                } else {
                    assertThat(label.row()).isEqualTo(subclass);
                }
            }
        }
        assertThat(dropped / 8000.0).isEqualTo(0.1, within(0.015));
        assertThat(seen)
                .containsExactlyInAnyOrder(
                        Label.subclass(0),
                        Label.subclass(1),
                        Label.subclass(2),
                        Label.superclass(0),
                        Label.superclass(1));
    }

    @Test
    void noLabelIsReplacedAtRateZeroAndEveryOneAtRateOne() {
        for (int step = 0; step < 100; step++) {
            assertThat(sampler(0, 3).batch(step).labels())
                    .allSatisfy(label -> assertThat(label.tier()).isEqualTo(Label.Tier.FINE));
            assertThat(sampler(1, 3).batch(step).labels())
                    .allSatisfy(label -> assertThat(label.tier()).isEqualTo(Label.Tier.COARSE));
        }
    }

    @Test
    void classesAreDrawnEvenlyHoweverManyImagesTheyHave() {
        int[] count = new int[3];
        for (int step = 0; step < 1000; step++) {
            sampler(0, 3).batch(step).labels().forEach(label -> count[label.row()]++);
        }
        for (int drawn : count) {
            assertThat(drawn / 8000.0).isEqualTo(1 / 3.0, within(0.02));
        }
    }

    @Test
    void labelsAreTheRowsOfTheNetworksClassesOfTheseNames() {
        Taxonomy base = new Taxonomy(
                List.of("c", "B"), List.of(new Taxonomy.Subclass("B2", 1), new Taxonomy.Subclass("c0", 0)));
        Taxonomy taxonomy = base.plus(DATA.taxonomy().names());
        DiTConfig config = new DiTConfig(2, 1, 3, 8, 1, 1, 2, 2, true).withClasses(taxonomy);
        Map<Integer, Label> fine = Map.of(0, Label.subclass(2), 1, Label.subclass(3), 2, Label.subclass(0));
        int b = 1;
        int a = 3; // behind the null label
        Map<Integer, Label> coarse = Map.of(0, Label.superclass(a), 1, Label.superclass(b), 2, Label.superclass(b));
        for (int step = 0; step < 100; step++) {
            TrainingBatch batch = sampler(taxonomy, config, 0.5, 3).batch(step);
            for (int row = 0; row < 8; row++) {
                Label label = batch.labels().get(row);
                int subclass = (int) batch.x0()[row * ROW] / 40;
                assertThat(label).isEqualTo((label.tier() == Label.Tier.FINE ? fine : coarse).get(subclass));
            }
        }
    }

    private static BatchSampler sampler(double labelDropout, long seed) {
        return sampler(DATA.taxonomy(), new DiTConfig(2, 1, 3, 8, 1, 1, 3, 2, false), labelDropout, seed);
    }

    private static BatchSampler sampler(Taxonomy taxonomy, DiTConfig config, double labelDropout, long seed) {
        return new BatchSampler(DATA, taxonomy, config, 8, labelDropout, Timesteps.UNIFORM, NoiseSchedule.DIT, seed);
    }

    /** Three subclasses of 1, 5 and 30 latents in two superclasses; every number of a latent says its subclass. */
    private static Latents data() {
        Taxonomy taxonomy = new Taxonomy(
                List.of("a", "b"),
                List.of(
                        new Taxonomy.Subclass("a0", 0),
                        new Taxonomy.Subclass("b1", 1),
                        new Taxonomy.Subclass("b2", 1)));
        List<List<float[]>> latents = new ArrayList<>();
        int[] counts = {1, 5, 30};
        for (int subclass = 0; subclass < counts.length; subclass++) {
            List<float[]> ofClass = new ArrayList<>();
            for (int i = 0; i < counts[subclass]; i++) {
                float[] latent = new float[ROW];
                Arrays.fill(latent, 40 * subclass + i);
                ofClass.add(latent);
            }
            latents.add(ofClass);
        }
        return new Latents(taxonomy, latents);
    }
}
