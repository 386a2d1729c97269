package io.finestream.flowers;

import java.awt.geom.QuadCurve2D;

/** Five notched petals, doubled where full, with a few stamens, on a brown twig. */
final class Blossom implements FlowerDrawing {

    private static final Tint TWIG = Tint.rgb(0x6B4630);
    private static final Tint END = Tint.rgb(0xE8B13A);
    private static final double LENGTH = 0.42;

    @Override
    public void draw(Brush brush, Species species, Jitter jitter) {
        QuadCurve2D twig = new QuadCurve2D.Double(-0.8, 0.42, 0, 0.3 + jitter.around(0.03), 0.8, -0.3);
        brush.stroke(twig, TWIG.darker(0.4).opaque(), 0.085);
        brush.stroke(twig, TWIG.opaque(), 0.06);
        Foliage.leaf(brush.moved(0.2, 0.14), 2.15 + jitter.around(0.05), 0.36, 0.19);

        Petal petal = new Petal(LENGTH, Between.value(0.25, 0.4, species.breadth()), 0.66, Petal.Tip.NOTCHED);
        boolean doubled = species.fullness() > 0.55;
        new PetalRing(5, 0, petal, PetalTints.of(species, doubled ? 0.6 : 0.42)).paint(brush, jitter);
        if (doubled) {
            new PetalRing(5, Math.PI / 5, petal.resized(0.6), innerTints(species)).paint(brush, jitter);
        }
        Tint thread = species.petal().deeper(0.6);
        new Stamens(5, 0.13, 0.036, thread, END).paint(brush, jitter);
        brush.dot(0, 0, 0.05, thread);
    }

    private static PetalTints innerTints(Species species) {
        return switch (species.marking()) {
            case PLAIN, BANDED -> PetalTints.plain(species.petal());
            case EYED -> PetalTints.plain(species.accent());
            case EDGED -> PetalTints.of(species, 0);
        };
    }
}
