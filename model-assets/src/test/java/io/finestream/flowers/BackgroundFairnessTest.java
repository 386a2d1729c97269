package io.finestream.flowers;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What tells the species: the flower does, the background does not. */
class BackgroundFairnessTest {

    private static final int SIZE = 16;
    private static final int SPECIES = 20; // of each family, as the shipped model has
    private static final int LEARNED = 3; // pictures of each species
    private static final int ASKED = 2;
    private static final int GREY = 128;

    private record Example(Species species, double[] flower, double[] background) {}

    private static final List<Example> KNOWN = examples(0, LEARNED);
    private static final List<Example> UNSEEN = examples(1_000_000, ASKED);

    @Test
    void theNearestBackgroundNamesNeitherSpeciesNorFamily() {
        int species = 0;
        int family = 0;
        for (Example asked : UNSEEN) {
            Species answer = nearest(KNOWN, asked.background(), Example::background);
            species += answer.equals(asked.species()) ? 1 : 0;
            family += answer.family() == asked.species().family() ? 1 : 0;
        }
        double chance = 1.0 / (SPECIES * FlowerFamily.values().length);
        double familyChance = 1.0 / FlowerFamily.values().length;
        assertThat(species).isLessThan(atMost(chance));
        assertThat(family).isLessThan(atMost(familyChance));
    }

    @Test
    void theNearestMeanOfTheFlowerNamesMostSpecies() {
        List<Example> means = new ArrayList<>();
        for (int first = 0; first < KNOWN.size(); first += LEARNED) {
            means.add(mean(KNOWN.subList(first, first + LEARNED)));
        }
        long right = UNSEEN.stream()
                .filter(asked -> nearest(means, asked.flower(), Example::flower).equals(asked.species()))
                .count();
        assertThat(right / (double) UNSEEN.size()).isGreaterThan(0.9);
    }

    @ParameterizedTest
    @EnumSource
    void outsideTheMaskEverySpeciesHasTheSameBackground(FlowerFamily family) {
        for (long seed = 0; seed < 5; seed++) {
            int[] background = new int[SIZE * SIZE];
            for (FlowerFamily other : List.of(family, FlowerFamily.DAISY, FlowerFamily.LOTUS, FlowerFamily.TULIP)) {
                Species species = Species.of(other, (int) seed);
                int[] picture = FlowerRenderer.render(species, seed, SIZE).getRGB(0, 0, SIZE, SIZE, null, 0, SIZE);
                int[] mask = mask(species, seed);
                for (int i = 0; i < picture.length; i++) {
                    if (mask[i] == 0) {
                        assertThat(background[i])
                                .as("%s, seed %d", species.name(), seed)
                                .isIn(0, picture[i]);
                        background[i] = picture[i];
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void aMaskHasBothAnInsideAndAnOutside(FlowerFamily family) {
        for (int index = 0; index < SPECIES; index++) {
            int[] mask = mask(Species.of(family, index), index);
            assertThat(Arrays.stream(mask).average().orElseThrow() / 255)
                    .as("%s %d", family, index)
                    .isBetween(0.15, 0.8);
            assertThat(mask).contains(0, 255);
        }
    }

    /** Three standard deviations above the chance, as a number of right answers. */
    private static int atMost(double chance) {
        double expected = chance * UNSEEN.size();
        return (int) Math.ceil(expected + 3 * Math.sqrt(expected));
    }

    private static List<Example> examples(long firstSeed, int each) {
        List<Example> examples = new ArrayList<>();
        for (FlowerFamily family : FlowerFamily.values()) {
            for (int index = 0; index < SPECIES; index++) {
                for (int i = 0; i < each; i++) {
                    examples.add(example(Species.of(family, index), firstSeed + examples.size()));
                }
            }
        }
        return examples;
    }

    /** The flower on grey, and the two upper corners, which no flower covers. */
    private static Example example(Species species, long seed) {
        BufferedImage picture = FlowerRenderer.render(species, seed, SIZE);
        int[] mask = mask(species, seed);
        int[] corners = {0, 1, SIZE, SIZE - 2, SIZE - 1, 2 * SIZE - 1};
        assertThat(Arrays.stream(corners).map(corner -> mask[corner]))
                .as("%s, seed %d", species.name(), seed)
                .containsOnly(0);
        double[] flower = new double[3 * mask.length];
        for (int i = 0; i < mask.length; i++) {
            double[] channels = channels(picture, i);
            for (int c = 0; c < 3; c++) {
                flower[3 * i + c] = GREY + (channels[c] - GREY) * mask[i] / 255;
            }
        }
        double[] background = Arrays.stream(corners)
                .mapToObj(corner -> channels(picture, corner))
                .flatMapToDouble(Arrays::stream)
                .toArray();
        return new Example(species, flower, background);
    }

    private static double[] channels(BufferedImage picture, int pixel) {
        Tint tint = Tint.rgb(picture.getRGB(pixel % SIZE, pixel / SIZE));
        return new double[] {tint.red(), tint.green(), tint.blue()};
    }

    private static int[] mask(Species species, long seed) {
        return FlowerRenderer.mask(species, seed, SIZE).getRaster().getPixels(0, 0, SIZE, SIZE, (int[]) null);
    }

    private static Example mean(List<Example> examples) {
        double[] flower = IntStream.range(0, examples.get(0).flower().length)
                .mapToDouble(i -> examples.stream()
                        .mapToDouble(example -> example.flower()[i])
                        .average()
                        .orElseThrow())
                .toArray();
        return new Example(examples.get(0).species(), flower, new double[0]);
    }

    private static Species nearest(List<Example> candidates, double[] asked, Function<Example, double[]> features) {
        Species nearest = candidates.get(0).species();
        double least = Double.POSITIVE_INFINITY;
        for (Example candidate : candidates) {
            double distance = 0;
            double[] known = features.apply(candidate);
            for (int i = 0; i < asked.length && distance < least; i++) {
                distance += (asked[i] - known[i]) * (asked[i] - known[i]);
            }
            if (distance < least) {
                least = distance;
                nearest = candidate.species();
            }
        }
        return nearest;
    }
}
