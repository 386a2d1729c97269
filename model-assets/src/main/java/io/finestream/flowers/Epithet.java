package io.finestream.flowers;

import static io.finestream.flowers.Marking.BANDED;
import static io.finestream.flowers.Marking.EDGED;
import static io.finestream.flowers.Marking.EYED;
import static io.finestream.flowers.Marking.PLAIN;

import java.util.List;
import java.util.Locale;

/**
 * The second word of a species' name, and what it says about the flower.
 *
 * <p>There are 29, a prime above the number of colours of any family, so that stepping through colours and epithets
 * together meets every pair once before it repeats ({@link SpeciesCatalog}).
 */
enum Epithet {
    DWARF(0.0, 0.5, 0.6),
    GIANT(1.0, 0.5, 0.5),
    SLENDER(0.6, 0.5, 0.0),
    BROAD(0.8, 0.3, 1.0),
    STARRY(0.7, 0.0, 0.3, BANDED, PetalColor.SNOWY, PetalColor.INDIGO),
    FULL(0.7, 1.0, 0.8),
    WILD(0.4, 0.0, 0.5, BANDED, PetalColor.MAGENTA, PetalColor.LEMON),
    GARDEN(0.3, 0.6, 0.4),
    ALPINE(0.2, 0.2, 0.4, EYED, PetalColor.INDIGO, PetalColor.AZURE),
    MEADOW(0.5, 0.9, 0.3, BANDED, PetalColor.GOLDEN, PetalColor.RUSSET, PetalColor.IVORY),
    ROYAL(1.0, 0.9, 0.8, BANDED, PetalColor.VIOLET, PetalColor.GOLDEN),
    GRACEFUL(0.9, 0.2, 0.1, EYED, PetalColor.PINK, PetalColor.IVORY, PetalColor.VIOLET),
    PLUMP(0.2, 0.8, 1.0),
    NOBLE(0.9, 0.6, 0.6, BANDED, PetalColor.CRIMSON, PetalColor.IVORY),
    DAINTY(0.0, 0.4, 0.1),
    BOLD(0.9, 0.1, 0.9, EYED, PetalColor.INDIGO, PetalColor.LEMON),

    FROSTED(0.6, 0.4, 0.6, EDGED, PetalColor.SNOWY, PetalColor.AZURE),
    GILDED(0.8, 0.7, 0.6, EDGED, PetalColor.GOLDEN, PetalColor.RUSSET, PetalColor.LEMON),
    FLAMED(0.8, 0.2, 0.4, EDGED, PetalColor.SCARLET, PetalColor.GOLDEN, PetalColor.CRIMSON),
    PAINTED(0.6, 0.5, 0.8, EDGED, PetalColor.MAGENTA, PetalColor.LEMON),
    BLUSHING(0.3, 0.8, 0.6, EDGED, PetalColor.PINK, PetalColor.CRIMSON),
    TWILIGHT(0.6, 0.2, 0.5, EDGED, PetalColor.VIOLET, PetalColor.LILAC),
    VELVET(0.8, 0.7, 0.9, EDGED, PetalColor.MAROON, PetalColor.IVORY),

    MOONLIT(0.8, 0.3, 0.7, EYED, PetalColor.SNOWY, PetalColor.COBALT),
    SUNLIT(0.6, 0.6, 0.5, EYED, PetalColor.LEMON, PetalColor.TANGERINE, PetalColor.RUSSET),
    EMBER(0.4, 0.2, 0.7, EYED, PetalColor.SCARLET, PetalColor.AMBER, PetalColor.MAROON),
    SHADOWED(0.9, 0.5, 0.7, EYED, PetalColor.PLUM, PetalColor.LAVENDER),
    DREAMY(0.3, 0.9, 0.4, EYED, PetalColor.LILAC, PetalColor.VIOLET),
    HARLEQUIN(0.9, 0.4, 0.8, EYED, PetalColor.CRIMSON, PetalColor.GOLDEN);

    /** Below this distance two colours on one petal are hard to tell apart in a small picture. */
    private static final double TELLING_DISTANCE = 90;

    private final double stature;
    private final double fullness;
    private final double breadth;
    private final Marking marking;
    private final List<PetalColor> accents;

    Epithet(double stature, double fullness, double breadth) {
        this(stature, fullness, breadth, PLAIN);
    }

    Epithet(double stature, double fullness, double breadth, Marking marking, PetalColor... accents) {
        this.stature = stature;
        this.fullness = fullness;
        this.breadth = breadth;
        this.marking = marking;
        this.accents = List.of(accents);
    }

    String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    double stature() {
        return stature;
    }

    double fullness() {
        return fullness;
    }

    double breadth() {
        return breadth;
    }

    Marking marking() {
        return marking;
    }

    /** What a marked epithet paints on petals of this colour: the first of its colours that differs clearly. */
    PetalColor accentOn(PetalColor petal) {
        return accents.stream()
                .filter(accent -> accent.tint().distanceTo(petal.tint()) >= TELLING_DISTANCE)
                .findFirst()
                .orElseThrow(() -> new IllegalStateException(
                        this + " has no colour that differs from " + petal + "; give it one more"));
    }
}
