package io.finestream.flowers;

import java.awt.geom.Arc2D;

/** Rows of wide petals that close into a deep heart, with leaves behind. */
final class Rose implements FlowerDrawing {

    private static final double[] ROW_SIZES = {1, 0.72, 0.45};
    private static final double HEART_RADIUS = 0.09;

    @Override
    public void draw(Brush brush, Species species, Jitter jitter) {
        for (int i = 0; i < 3; i++) {
            Foliage.leaf(brush, 0.55 + i * 2 * Math.PI / 3 + jitter.around(0.06), 0.52, 0.3);
        }
        int count = Between.count(5, 7, species.fullness());
        double length = 0.39;
        double width = length * Between.value(0.9, 1.3, species.breadth()) * 5 / count;
        Petal petal = new Petal(length, width, 0.68, Petal.Tip.ROUND);
        for (int row = 0; row < ROW_SIZES.length; row++) {
            double turn = row * Math.PI / count;
            new PetalRing(count, turn, petal.resized(ROW_SIZES[row]), rowTints(species, row)).paint(brush, jitter);
        }
        Tint heart = rowTints(species, ROW_SIZES.length - 1).middle().deeper(0.2);
        new Disc(HEART_RADIUS, heart).paint(brush);
        double r = 0.55 * HEART_RADIUS;
        brush.stroke(
                new Arc2D.Double(-r, -r, 2 * r, 2 * r, 30, 260, Arc2D.OPEN),
                heart.deeper(0.5).opaque(),
                0.034);
    }

    /** Each row is deeper than the one outside it; an eye fills the inner rows, a band the middle one. */
    private static PetalTints rowTints(Species species, int row) {
        boolean accent = switch (species.marking()) {
            case PLAIN, EDGED -> false;
            case EYED -> row > 0;
            case BANDED -> row == 1;
        };
        Tint color = (accent ? species.accent() : species.petal()).deeper(0.13 * row);
        Tint tip = species.marking() == Marking.EDGED ? species.accent() : color.lighter(0.25);
        return new PetalTints(color.deeper(0.6), color, tip, 0.35, 0.7, 0.8, 0.97);
    }
}
