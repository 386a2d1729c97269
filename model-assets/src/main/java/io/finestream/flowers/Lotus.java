package io.finestream.flowers;

import java.awt.geom.Ellipse2D;

/** A fan of pointed petals that rises from a floating leaf, seen from the side. */
final class Lotus implements FlowerDrawing {

    private static final Tint PAD = Tint.rgb(0x3F7A4A);
    private static final double FOOT = 0.33;

    @Override
    public View view() {
        return View.FROM_THE_SIDE;
    }

    @Override
    public void draw(Brush brush, Species species, Jitter jitter) {
        brush.fill(
                new Ellipse2D.Double(-0.48, 0.23, 0.96, 0.22), PAD.darker(0.2).opaque());
        brush.fill(
                new Ellipse2D.Double(-0.45, 0.23, 0.9, 0.17), PAD.lighter(0.15).opaque());

        int back = Between.count(4, 8, species.fullness());
        double width = Between.value(0.17, 0.27, species.breadth());
        PetalTints tints = PetalTints.of(species, 0.4);
        Brush foot = brush.moved(0, FOOT);
        fan(foot, back, 1.2, new Petal(0.66, width, 0.58, Petal.Tip.POINTED), tints.deeper(0.25), jitter);
        fan(foot, back - 1, 1.05, new Petal(0.52, width, 0.58, Petal.Tip.POINTED), tints, jitter);
    }

    /** From the sides to the middle, so that the petals close like hands. */
    private static void fan(Brush foot, int count, double spread, Petal petal, PetalTints tints, Jitter jitter) {
        for (int i = 0; i < count; i++) {
            int place = i % 2 == 0 ? i / 2 : count - 1 - i / 2;
            double side = 2.0 * place / (count - 1) - 1;
            double size = 1 - 0.22 * Math.abs(side) + jitter.around(0.02);
            petal.resized(size).paint(foot.turned(spread * side + jitter.around(0.02)), tints);
        }
    }
}
