package io.finestream.flowers;

/**
 * One kind of flower: what its name promises and every picture of it shows.
 *
 * @param family which silhouette is drawn
 * @param index the number of the species in its family, from 0
 * @param name colour, epithet and family in lower case, such as {@code "scarlet dwarf poppy"}; unique, from about
 *     the 250th species of a family on by a number at the end
 * @param petal the main petal colour, the one that the name's first word names
 * @param accent the second petal colour; equals {@code petal} where the marking is plain
 * @param marking where the accent shows
 * @param stature size of the flower in the picture, 0 (about 74 % of the largest) to 1
 * @param fullness number of petals, florets or bells between the family's fewest (0) and most (1)
 * @param breadth width of the petals between the family's narrowest (0) and widest (1)
 */
public record Species(
        FlowerFamily family,
        int index,
        String name,
        Tint petal,
        Tint accent,
        Marking marking,
        double stature,
        double fullness,
        double breadth) {

    /** Throws IllegalArgumentException for a negative index, a blank name or a build outside 0..1. */
    public Species {
        requireIndex(index);
        if (name.isBlank()) {
            throw new IllegalArgumentException(
                    "name is blank, expected text; use Species.of for a species with a name");
        }
        requireShare("stature", stature);
        requireShare("fullness", fullness);
        requireShare("breadth", breadth);
    }

    /**
     * The species with this number: always the same name and look.
     *
     * @param index from 0; any number of species per family exists
     * @throws IllegalArgumentException for a negative index
     */
    public static Species of(FlowerFamily family, int index) {
        requireIndex(index);
        return SpeciesCatalog.describe(family, index);
    }

    private static void requireIndex(int index) {
        if (index < 0) {
            throw new IllegalArgumentException("index is " + index + ", expected 0 or more; count species from 0");
        }
    }

    private static void requireShare(String what, double value) {
        if (!(value >= 0 && value <= 1)) {
            throw new IllegalArgumentException(
                    what + " is " + value + ", expected 0..1; scale it to its family's range");
        }
    }
}
