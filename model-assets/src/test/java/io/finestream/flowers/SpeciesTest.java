package io.finestream.flowers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SpeciesTest {

    private static final int MANY = 1000;

    /** Species 40 of each family. */
    private static final String[] NAMES = {
        "snowy frosted daisy", "amber twilight sunflower", "magenta shadowed rose", "lilac slender lily",
        "apricot garden tulip", "magenta plump pansy", "crimson gilded poppy", "violet velvet bellflower",
        "violet dreamy allium", "ivory broad lotus", "coral alpine blossom"
    };

    private static Stream<Species> species(FlowerFamily family) {
        return IntStream.range(0, MANY).mapToObj(index -> Species.of(family, index));
    }

    @ParameterizedTest
    @EnumSource
    void namesAreUniqueWithinAFamily(FlowerFamily family) {
        assertThat(species(family).map(Species::name)).doesNotHaveDuplicates();
    }

    @ParameterizedTest
    @EnumSource
    void theFirst250NamesNeedNoNumber(FlowerFamily family) {
        assertThat(species(family).limit(250).map(Species::name))
                .allMatch(name -> name.matches("[a-z]+ [a-z]+ [a-z]+"));
    }

    @ParameterizedTest
    @EnumSource
    void theFirstWordNamesThePetalColour(FlowerFamily family) {
        assertThat(species(family)).allSatisfy(species -> {
            PetalColor nearest = family.colors().stream()
                    .min(Comparator.comparingDouble(color -> color.tint().distanceTo(species.petal())))
                    .orElseThrow();
            assertThat(species.name()).startsWith(nearest.word() + " ").contains(" " + family.displayName());
        });
    }

    @ParameterizedTest
    @EnumSource
    void aMarkedEpithetHasAnAccentForEveryPetalColour(Epithet epithet) {
        assertThat(PetalColor.values()).allSatisfy(petal -> {
            if (epithet.marking() != Marking.PLAIN) {
                assertThat(epithet.accentOn(petal).tint().distanceTo(petal.tint()))
                        .isGreaterThanOrEqualTo(90);
            }
        });
    }

    @Test
    void aSecondColourShowsWhereTheMarkingSaysSo() {
        for (FlowerFamily family : FlowerFamily.values()) {
            assertThat(species(family))
                    .allSatisfy(species -> assertThat(species.accent().equals(species.petal()))
                            .isEqualTo(species.marking() == Marking.PLAIN));
        }
    }

    /** The step from colour to colour and the step from epithet to epithet must share no period. */
    @ParameterizedTest
    @EnumSource
    void aFamilyHasFewerColoursThanThereAreEpithets(FlowerFamily family) {
        assertThat(family.colors()).doesNotHaveDuplicates().hasSizeBetween(9, Epithet.values().length - 1);
    }

    @Test
    void aSpeciesIsAlwaysTheSame() {
        assertThat(Species.of(FlowerFamily.POPPY, 3)).isEqualTo(Species.of(FlowerFamily.POPPY, 3));
    }

    /** Names are labels of trained models: a changed name or look needs a new model. */
    @Test
    void theNumberingOfTheShippedModelStays() {
        assertThat(Arrays.stream(FlowerFamily.values())
                        .map(family -> Species.of(family, 40).name()))
                .containsExactly(NAMES);
    }

    @Test
    void neighboursDifferInColour() {
        for (FlowerFamily family : FlowerFamily.values()) {
            for (int index = 0; index < family.colors().size(); index++) {
                Tint petal = Species.of(family, index).petal();
                Tint next = Species.of(family, index + 1).petal();
                assertThat(petal.distanceTo(next)).as("%s %d", family, index).isGreaterThan(50);
            }
        }
    }

    /** Marking and second colour are seen first; a build must then differ by more than one step of one trait. */
    @ParameterizedTest
    @EnumSource
    void speciesOfOneColourDifferInMarkingOrClearlyInBuild(FlowerFamily family) {
        for (int index = 0; index < 24; index++) {
            for (int other = index % family.colors().size();
                    other < index;
                    other += family.colors().size()) {
                Species one = Species.of(family, index);
                Species two = Species.of(family, other);
                double build = Math.abs(one.stature() - two.stature())
                        + Math.abs(one.fullness() - two.fullness())
                        + Math.abs(one.breadth() - two.breadth());
                boolean marked = one.marking() != two.marking() || one.accent().distanceTo(two.accent()) > 60;
                assertThat(marked || build > 0.6)
                        .as("%s, %s", one.name(), two.name())
                        .isTrue();
            }
        }
    }

    @Test
    void negativeIndexIsRejected() {
        assertThatThrownBy(() -> Species.of(FlowerFamily.ROSE, -1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("index is -1, expected 0 or more; count species from 0");
    }

    @Test
    void buildOutsideItsRangeIsRejected() {
        Tint red = new Tint(255, 0, 0);
        assertThatThrownBy(() -> new Species(FlowerFamily.ROSE, 0, "red rose", red, red, Marking.PLAIN, 0.5, 1.5, 0.5))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("fullness is 1.5, expected 0..1");
    }

    @Test
    void channelOutsideItsRangeIsRejected() {
        assertThatThrownBy(() -> new Tint(0, 256, 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("green is 256, expected 0..255");
    }
}
