package io.finestream.tuning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.finestream.dit.Label;
import io.finestream.dit.Taxonomy;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class BatchSamplerTest {

    private static final int SIDE = 2;
    private static final int ROW = 3 * SIDE * SIDE;
    private static final ImageFolder DATA = data();

    @Test
    void theSameStepGivesTheSameBatch() {
        TrainingBatch a = sampler(0.1, true, 5).batch(17);
        TrainingBatch b = sampler(0.1, true, 5).batch(17);
        assertThat(a.x0()).isEqualTo(b.x0());
        assertThat(a.noise()).isEqualTo(b.noise());
        assertThat(a.t()).isEqualTo(b.t());
        assertThat(a.labels()).isEqualTo(b.labels());
    }

    @Test
    void otherStepsAndSeedsGiveOtherBatches() {
        TrainingBatch batch = sampler(0, false, 5).batch(17);
        for (TrainingBatch other :
                List.of(sampler(0, false, 5).batch(18), sampler(0, false, 6).batch(17))) {
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
            int[] t = sampler(0, false, 1).batch(step).t();
            for (int b = 0; b < 8; b++) {
                assertThat(t[b]).isBetween(b * 125, b * 125 + 124);
                seen.add(t[b]);
            }
        }
        assertThat(seen).hasSizeGreaterThan(990).contains(0, 999);
    }

    @Test
    void labelsAreReplacedByTheirSuperclassAtTheAskedRate() {
        BatchSampler sampler = sampler(0.1, false, 3);
        int dropped = 0;
        Set<Label> seen = new HashSet<>();
        for (int step = 0; step < 1000; step++) {
            TrainingBatch batch = sampler.batch(step);
            for (int b = 0; b < 8; b++) {
                Label label = batch.labels().get(b);
                seen.add(label);
                // every pixel of an image of the test data says its subclass
                int subclass = Math.round((batch.x0()[b * ROW] + 1) * 127.5f) / 40;
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
            assertThat(sampler(0, false, 3).batch(step).labels())
                    .allSatisfy(label -> assertThat(label.tier()).isEqualTo(Label.Tier.FINE));
            assertThat(sampler(1, false, 3).batch(step).labels())
                    .allSatisfy(label -> assertThat(label.tier()).isEqualTo(Label.Tier.COARSE));
        }
    }

    @Test
    void classesAreDrawnEvenlyHoweverManyImagesTheyHave() {
        int[] count = new int[3];
        for (int step = 0; step < 1000; step++) {
            sampler(0, false, 3).batch(step).labels().forEach(label -> count[label.row()]++);
        }
        for (int drawn : count) {
            assertThat(drawn / 8000.0).isEqualTo(1 / 3.0, within(0.02));
        }
    }

    @Test
    void halfOfTheImagesAreMirroredWhereAsked() {
        int mirrored = 0;
        for (int step = 0; step < 500; step++) {
            float[] x0 = sampler(0, true, 3).batch(step).x0();
            for (int b = 0; b < 8; b++) {
                mirrored += x0[b * ROW] > x0[b * ROW + 1] ? 1 : 0;
            }
            float[] straight = sampler(0, false, 3).batch(step).x0();
            assertThat(straight[0]).isLessThan(straight[1]);
        }
        assertThat(mirrored / 4000.0).isEqualTo(0.5, within(0.03));
    }

    private static BatchSampler sampler(double labelDropout, boolean mirror, long seed) {
        return new BatchSampler(DATA, 8, labelDropout, mirror, 1000, seed);
    }

    /** Three subclasses of 1, 5 and 30 images in two superclasses; the left column is a little darker than the right. */
    private static ImageFolder data() {
        Taxonomy taxonomy = new Taxonomy(
                List.of("a", "b"),
                List.of(
                        new Taxonomy.Subclass("a0", 0),
                        new Taxonomy.Subclass("b1", 1),
                        new Taxonomy.Subclass("b2", 1)));
        List<List<byte[]>> images = new ArrayList<>();
        int[] counts = {1, 5, 30};
        for (int subclass = 0; subclass < counts.length; subclass++) {
            List<byte[]> ofClass = new ArrayList<>();
            for (int i = 0; i < counts[subclass]; i++) {
                byte[] planes = new byte[ROW];
                for (int k = 0; k < ROW; k++) {
                    planes[k] = (byte) (40 * subclass + i + k % SIDE);
                }
                ofClass.add(planes);
            }
            images.add(ofClass);
        }
        assertThat(Arrays.stream(counts).sum()).isEqualTo(36);
        return new ImageFolder(taxonomy, SIDE, images);
    }
}
