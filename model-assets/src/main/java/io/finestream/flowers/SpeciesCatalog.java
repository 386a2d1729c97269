package io.finestream.flowers;

import java.util.List;
import java.util.SplittableRandom;

/**
 * Numbers the species of a family.
 *
 * <p>Species {@code i} takes colour {@code i mod colors} and an epithet that moves on by a fixed step {@code mod 29}.
 * The two counts share no divisor, so all pairs are met before one returns (Chinese remainder theorem); from then on a
 * number in the name tells the rounds apart. The first species of a family differ in colour, the strongest feature.
 */
final class SpeciesCatalog {

    private static final Epithet[] EPITHETS = Epithet.values();
    private static final int EPITHET_STEP =
            12; // epithets of one colour are then 3, 4, 8 or 13 apart, which differ clearly
    private static final int FAMILY_STEP = 5; // species 0 of two families do not share an epithet
    private static final double INDIVIDUALITY = 0.03; // keeps species with a shared epithet from being equal in build

    private static final double COLOR_SPREAD = 0.05; // the same for colour, small enough for the name to fit
    private static final double ACCENT_BLEND = 0.12; // two colours of one flower are relatives

    private SpeciesCatalog() {}

    static Species describe(FlowerFamily family, int index) {
        List<PetalColor> colors = family.colors();
        PetalColor color = colors.get(index % colors.size());
        long epithetNumber = (long) EPITHET_STEP * index + (long) FAMILY_STEP * family.ordinal();
        Epithet epithet = EPITHETS[(int) (epithetNumber % EPITHETS.length)];
        Jitter own = new Jitter(new SplittableRandom(31L * index + family.ordinal()));

        Tint petal =
                color.tint().mixedWith(own.between(0, 1) < 0.5 ? Tint.WHITE : Tint.BLACK, own.between(0, COLOR_SPREAD));
        return new Species(
                family,
                index,
                name(color, epithet, family, index / (colors.size() * EPITHETS.length)),
                petal,
                accent(color, epithet, petal),
                epithet.marking(),
                near(epithet.stature(), own),
                near(epithet.fullness(), own),
                near(epithet.breadth(), own));
    }

    private static Tint accent(PetalColor color, Epithet epithet, Tint petal) {
        return epithet.marking() == Marking.PLAIN
                ? petal
                : epithet.accentOn(color).tint().mixedWith(petal, ACCENT_BLEND);
    }

    private static String name(PetalColor color, Epithet epithet, FlowerFamily family, int round) {
        String name = color.word() + " " + epithet.word() + " " + family.displayName();
        return round == 0 ? name : name + " " + (round + 1);
    }

    private static double near(double share, Jitter own) {
        return Math.max(0, Math.min(1, share + own.around(INDIVIDUALITY)));
    }
}
