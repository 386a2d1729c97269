package io.finestream.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.finestream.dit.Taxonomy;
import java.util.List;
import org.junit.jupiter.api.Test;

class ClassAccuracyTest {

    private static final Taxonomy TAXONOMY = new Taxonomy(
            List.of("rose", "lily"),
            List.of(
                    new Taxonomy.Subclass("moss", 0),
                    new Taxonomy.Subclass("dog", 0),
                    new Taxonomy.Subclass("tiger", 1)));

    @Test
    void tiersAreCountedApartAndConfusionsNamed() {
        ClassAccuracy found = ClassAccuracy.of(
                TAXONOMY, List.of(answer(0, 0, 0), answer(0, 1, 0), answer(1, 2, 0), answer(1, 2, 1), answer(2, 2, 1)));
        assertThat(found.images()).isEqualTo(5);
        assertThat(found.subclass()).isEqualTo(0.4);
        assertThat(found.superclass()).isEqualTo(0.8);
        assertThat(found.confusions())
                .containsExactly(
                        new ClassAccuracy.Confusion("dog", "tiger", 2), new ClassAccuracy.Confusion("moss", "dog", 1));
    }

    @Test
    void noImagesHaveNoAccuracy() {
        assertThatIllegalArgumentException().isThrownBy(() -> ClassAccuracy.of(TAXONOMY, List.of()));
    }

    private static ClassAccuracy.Answer answer(int meant, int subclass, int superclass) {
        return new ClassAccuracy.Answer(meant, new ImageClassifier.Prediction(subclass, superclass, new float[0]));
    }
}
