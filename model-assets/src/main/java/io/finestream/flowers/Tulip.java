package io.finestream.flowers;

import java.awt.geom.QuadCurve2D;

/** A cup of pointed petals on a thick stem between two long leaves, seen from the side. */
final class Tulip implements FlowerDrawing {

    private static final double CUP_FOOT = 0.19;
    private static final double LENGTH = 0.6;

    @Override
    public View view() {
        return View.FROM_THE_SIDE;
    }

    @Override
    public void draw(Brush brush, Species species, Jitter jitter) {
        Foliage.stem(brush, new QuadCurve2D.Double(0, CUP_FOOT, jitter.around(0.04), 0.4, 0, 0.8), 0.05);
        Brush ground = brush.moved(0, 0.62);
        Foliage.leaf(ground, -0.5 + jitter.around(0.05), 0.66, 0.17);
        Foliage.leaf(ground, 0.52 + jitter.around(0.05), 0.6, 0.17);

        double opening = Between.value(0.2, 0.46, species.fullness());
        Petal petal = new Petal(LENGTH, Between.value(0.26, 0.42, species.breadth()), 0.45, Petal.Tip.POINTED);
        PetalTints tints = PetalTints.of(species, 0.36);
        Brush cup = brush.moved(0, CUP_FOOT);
        paint(cup, petal.resized(0.96), 0.35 * opening, tints.deeper(0.4), jitter);
        paint(cup, petal.resized(0.96), -0.35 * opening, tints.deeper(0.4), jitter);
        paint(cup, petal, opening, tints.deeper(0.15), jitter);
        paint(cup, petal, -opening, tints.deeper(0.15), jitter);
        paint(cup, petal.resized(0.92), 0, tints, jitter);
    }

    private static void paint(Brush cup, Petal petal, double angle, PetalTints tints, Jitter jitter) {
        petal.resized(1 + jitter.around(0.03)).paint(cup.turned(angle + jitter.around(0.02)), tints);
    }
}
