package io.finestream.weights;

import io.finestream.dit.Taxonomy;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.IntStream;

/** The classes of published checkpoints, which do not name them: told by the rows of the label table. */
final class KnownTaxonomies {

    private static final int IMAGENET_ROWS = 1001; // 1000 classes and the null label

    /** The superclasses of iNaturalist 2021 in the order of FineDiffusion's rows. */
    private static final List<String> INATURALIST_SUPERCLASSES = List.of(
            "Plants",
            "Insects",
            "Birds",
            "Fungi",
            "Reptiles",
            "Mammals",
            "Ray-finned Fishes",
            "Amphibians",
            "Mollusks",
            "Arachnids",
            "Animalia");

    /** Where a range of category ids begins, and its superclass; it ends where the next begins. */
    private static final int[][] INATURALIST_RANGES = {
        {0, 10},
        {4, 9},
        {157, 10},
        {175, 1},
        {2701, 10},
        {2756, 6},
        {2939, 7},
        {3109, 10},
        {3111, 2},
        {4597, 10},
        {4613, 5},
        {4859, 4},
        {5172, 10},
        {5219, 8},
        {5388, 3},
        {5729, 0},
        {10_000, -1}
    };

    private KnownTaxonomies() {}

    /** The classes of a table of so many rows, if there is one set of classes that is known to have it. */
    static Optional<Taxonomy> ofRows(int rows) {
        if (rows == IMAGENET_ROWS) {
            return Optional.of(numbered("ImageNet", "class ", IMAGENET_ROWS - 1));
        }
        Taxonomy species = inaturalist2021();
        return rows == species.subclasses().size() + species.superclasses().size()
                ? Optional.of(species)
                : Optional.empty();
    }

    /**
     * iNaturalist 2021: 10,000 species in 11 supercategories, with FineDiffusion's ranges of ids (models.py@ffd2b24). A
     * species is named by its id in five digits, with which its folder in the data set begins.
     */
    static Taxonomy inaturalist2021() {
        List<Taxonomy.Subclass> species = new ArrayList<>();
        for (int range = 0; range + 1 < INATURALIST_RANGES.length; range++) {
            for (int id = INATURALIST_RANGES[range][0]; id < INATURALIST_RANGES[range + 1][0]; id++) {
                species.add(
                        new Taxonomy.Subclass(String.format(Locale.ROOT, "%05d", id), INATURALIST_RANGES[range][1]));
            }
        }
        return new Taxonomy(INATURALIST_SUPERCLASSES, species);
    }

    /** Classes without names or tiers. */
    static Taxonomy numbered(String superclass, String prefix, int count) {
        return new Taxonomy(
                List.of(superclass),
                IntStream.range(0, count)
                        .mapToObj(i -> new Taxonomy.Subclass(prefix + i, 0))
                        .toList());
    }
}
