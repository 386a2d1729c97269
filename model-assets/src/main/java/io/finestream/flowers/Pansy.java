package io.finestream.flowers;

/** A face: two petals above, two at the sides and a broad one below, with dark blotches and a yellow eye. */
final class Pansy implements FlowerDrawing {

    private static final Tint BLOTCH = Tint.rgb(0x2A1038);
    private static final Tint EYE = Tint.rgb(0xFFD93B);

    @Override
    public void draw(Brush brush, Species species, Jitter jitter) {
        double width = Between.value(0.3, 0.44, species.breadth());
        Petal upper = new Petal(0.42, width, 0.66, Petal.Tip.ROUND);
        Petal side = new Petal(0.37, width, 0.66, Petal.Tip.ROUND);
        Petal lower = new Petal(0.4, 1.25 * width, 0.66, Petal.Tip.NOTCHED);

        Tint upperTint = species.marking() == Marking.EDGED
                ? species.accent()
                : species.petal().deeper(0.4);
        PetalTints upperTints =
                new PetalTints(upperTint.deeper(0.4), upperTint, upperTint.lighter(0.08), 0.2, 0.6, 0.8, 0.98);
        PetalTints faceTints = faceTints(species, species.petal());
        paint(brush, upper, 0.48, upperTints, jitter);
        paint(brush, upper, -0.48, upperTints, jitter);
        PetalTints sideTints = species.marking() == Marking.BANDED ? faceTints(species, species.accent()) : faceTints;
        paint(brush, side, 1.65, sideTints, jitter);
        paint(brush, side, -1.65, sideTints, jitter);
        paint(brush, lower, Math.PI, faceTints, jitter);
        new Disc(0.055, EYE).paint(brush);
    }

    private static PetalTints faceTints(Species species, Tint petal) {
        Tint blotch = species.marking() == Marking.EYED ? species.accent() : BLOTCH;
        double reach = Between.value(0.28, 0.52, species.fullness());
        return new PetalTints(blotch, petal, petal.lighter(0.15), reach, reach + 0.12, 0.75, 0.98);
    }

    private static void paint(Brush brush, Petal petal, double angle, PetalTints tints, Jitter jitter) {
        petal.resized(1 + jitter.around(0.03)).paint(brush.turned(angle + jitter.around(0.03)), tints);
    }
}
