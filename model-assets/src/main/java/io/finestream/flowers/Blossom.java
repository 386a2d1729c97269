package io.finestream.flowers;

import java.awt.geom.QuadCurve2D;

/** Five notched petals with fine stamens, on a brown twig. */
final class Blossom implements FlowerDrawing {

    private static final Tint TWIG = Tint.rgb(0x6B4630);
    private static final Tint END = Tint.rgb(0xE8B13A);
    private static final double LENGTH = 0.42;

    @Override
    public void draw(Brush brush, Species species, Jitter jitter) {
        QuadCurve2D twig = new QuadCurve2D.Double(-0.8, 0.42, 0, 0.3 + jitter.around(0.05), 0.8, -0.3);
        brush.stroke(twig, TWIG.darker(0.4).opaque(), 0.085);
        brush.stroke(twig, TWIG.opaque(), 0.06);
        Foliage.leaf(brush.moved(0.22, 0.12), 2.1 + jitter.around(0.1), 0.3, 0.13);

        Petal petal = new Petal(LENGTH, Between.value(0.29, 0.38, species.breadth()), 0.66, Petal.Tip.NOTCHED);
        PetalTints tints = PetalTints.of(species, 0.42);
        new PetalRing(5, 0, petal, tints).paint(brush, jitter);
        if (species.fullness() > 0.65) {
            new PetalRing(5, Math.PI / 5, petal.resized(0.62), tints).paint(brush, jitter);
        }
        Tint thread = species.petal().deeper(0.6);
        new Stamens(7, 0.12, 0.022, thread, END).paint(brush, jitter);
        brush.dot(0, 0, 0.035, thread);
    }
}
