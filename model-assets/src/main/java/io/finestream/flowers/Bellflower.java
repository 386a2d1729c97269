package io.finestream.flowers;

import java.awt.geom.Path2D;
import java.awt.geom.QuadCurve2D;

/** One to three bells that hang from an arching stem, seen from the side. */
final class Bellflower implements FlowerDrawing {

    private static final Tint CLAPPER = Tint.rgb(0xF3D65A);
    private static final double HEIGHT = 0.58;
    private static final double STEM_WIDTH = 0.04;

    @Override
    public View view() {
        return View.FROM_THE_SIDE;
    }

    @Override
    public void draw(Brush brush, Species species, Jitter jitter) {
        int bells = Between.count(1, 3, species.fullness());
        double tip = bells == 1 ? 0.06 : 0.25;
        Foliage.stem(brush, new QuadCurve2D.Double(-0.4, 0.8, -0.5, -0.62, tip, -0.36), STEM_WIDTH);
        Foliage.leaf(brush.moved(-0.41, 0.34), 0.75 + jitter.around(0.05), 0.38, 0.19);
        switch (bells) {
            case 1 -> bell(hung(brush, 0.06, -0.37, jitter), species);
            case 2 -> {
                bell(hung(brush, 0.25, -0.34, jitter).scaled(0.74), species);
                bell(hung(brush, -0.14, -0.38, jitter).scaled(0.78), species);
            }
            default -> {
                bell(hung(brush, -0.17, -0.4, jitter).scaled(0.66), species);
                bell(hung(brush, 0.29, -0.36, jitter).scaled(0.66), species);
                bell(hung(brush, 0.07, -0.1, jitter).scaled(0.66), species);
            }
        }
    }

    private static Brush hung(Brush brush, double x, double y, Jitter jitter) {
        return brush.moved(x, y).turned(jitter.around(0.05));
    }

    private static void bell(Brush brush, Species species) {
        double half = Between.value(0.2, 0.32, species.breadth());
        brush.line(0, HEIGHT * 0.8, 0, HEIGHT * 1.12, CLAPPER.darker(0.3), 0.035);
        brush.dot(0, HEIGHT * 1.12, 0.045, CLAPPER);
        PetalTints tints = PetalTints.of(species, 0.4);
        Path2D mantle = mantle(half);
        brush.fill(mantle, tints.over(1.1 * HEIGHT));
        Petal.rim(brush, mantle);
        for (int side = -1; side <= 1; side += 2) {
            QuadCurve2D fold = new QuadCurve2D.Double(
                    side * 0.05, 0.08, side * 0.1, 0.6 * HEIGHT, side * 0.4 * half, 0.9 * HEIGHT);
            brush.stroke(fold, Tint.BLACK.withOpacity(0.16), 0.034);
        }
    }

    /** Round shoulders, a waist and a wide hem of three pointed lobes. */
    private static Path2D mantle(double half) {
        Path2D.Double path = new Path2D.Double();
        path.moveTo(0, 0);
        path.curveTo(0.75 * half, 0, 0.6 * half, 0.6 * HEIGHT, 1.05 * half, 0.92 * HEIGHT);
        path.quadTo(0.7 * half, 1.0 * HEIGHT, 0.4 * half, 0.88 * HEIGHT);
        path.quadTo(0.25 * half, 1.05 * HEIGHT, 0, 1.1 * HEIGHT);
        path.quadTo(-0.25 * half, 1.05 * HEIGHT, -0.4 * half, 0.88 * HEIGHT);
        path.quadTo(-0.7 * half, 1.0 * HEIGHT, -1.05 * half, 0.92 * HEIGHT);
        path.curveTo(-0.6 * half, 0.6 * HEIGHT, -0.75 * half, 0, 0, 0);
        path.closePath();
        return path;
    }
}
