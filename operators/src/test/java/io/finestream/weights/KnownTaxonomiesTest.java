package io.finestream.weights;

import static org.assertj.core.api.Assertions.assertThat;

import io.finestream.dit.Taxonomy;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class KnownTaxonomiesTest {

    private static final Taxonomy SPECIES = KnownTaxonomies.inaturalist2021();

    @ParameterizedTest
    @CsvSource({
        "Plants, 4271",
        "Insects, 2526",
        "Birds, 1486",
        "Fungi, 341",
        "Reptiles, 313",
        "Mammals, 246",
        "Ray-finned Fishes, 183",
        "Amphibians, 170",
        "Mollusks, 169",
        "Arachnids, 153",
        "Animalia, 142"
    })
    void aSupercategoryHasItsNumberOfSpecies(String name, int species) {
        assertThat(IntStream.range(0, 10_000)
                        .filter(id ->
                                SPECIES.superclassName(SPECIES.superclassOf(id)).equals(name)))
                .hasSize(species);
    }

    @ParameterizedTest
    @CsvSource({
        "3, Animalia",
        "4, Arachnids",
        "174, Animalia",
        "2938, Ray-finned Fishes",
        "3110, Animalia",
        "4612, Animalia",
        "5171, Reptiles",
        "5218, Animalia",
        "9999, Plants"
    })
    void anIdIsInItsRange(int id, String superclass) {
        assertThat(SPECIES.superclassName(SPECIES.superclassOf(id))).isEqualTo(superclass);
        assertThat(SPECIES.subclass("%05d".formatted(id))).isEqualTo(id);
    }

    @Test
    void theRowsOfTheTableTellWhichClassesTheseAre() {
        assertThat(KnownTaxonomies.ofRows(10_011).orElseThrow().subclasses()).hasSize(10_000);
        assertThat(KnownTaxonomies.ofRows(1001).orElseThrow().subclasses()).hasSize(1000);
        assertThat(KnownTaxonomies.ofRows(317)).isEmpty();
    }
}
