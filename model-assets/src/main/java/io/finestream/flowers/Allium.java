package io.finestream.flowers;

import java.awt.geom.Line2D;
import java.awt.geom.Path2D;

/** A ball of starry florets on a bare stem, seen from the side. */
final class Allium implements FlowerDrawing {

    private static final double GOLDEN_ANGLE = Math.PI * (3 - Math.sqrt(5));
    private static final double CENTER = -0.1;
    private static final int FLORET_TIPS = 6;

    @Override
    public View view() {
        return View.FROM_THE_SIDE;
    }

    @Override
    public void draw(Brush brush, Species species, Jitter jitter) {
        Foliage.stem(brush, new Line2D.Double(0, 0, jitter.around(0.03), 0.8), 0.045);
        Brush ground = brush.moved(0, 0.62);
        Foliage.leaf(ground, -0.55 + jitter.around(0.05), 0.46, 0.15);
        Foliage.leaf(ground, 0.6 + jitter.around(0.05), 0.43, 0.15);

        int count = Between.count(13, 26, species.fullness());
        double ball = Between.value(0.25, 0.32, species.breadth());
        double floret = 1.45 * ball / Math.sqrt(count);
        Brush center = brush.moved(0, CENTER);
        center.dot(0, 0, 0.98 * ball, species.petal().deeper(0.5));
        for (int i = count - 1; i >= 0; i--) {
            double distance = Math.sqrt((i + 0.5) / count);
            double angle = i * GOLDEN_ANGLE + jitter.around(0.03);
            Brush place = center.moved(ball * distance * Math.cos(angle), ball * distance * Math.sin(angle));
            paintFloret(
                    place.turned(jitter.around(0.1)),
                    floret,
                    shaded(floretTint(species, distance, angle), distance, angle));
        }
    }

    /** The accent colours the outer florets of an edged species, the inner ones of an eyed
     * species and a belt around a banded species. */
    private static Tint floretTint(Species species, double distance, double angle) {
        boolean accent = switch (species.marking()) {
            case PLAIN -> false;
            case EDGED -> distance > 0.68;
            case EYED -> distance < 0.6;
            case BANDED -> Math.abs(distance * Math.sin(angle)) < 0.3;
        };
        return accent ? species.accent() : species.petal();
    }

    /** Darker towards the lower right, so that the ball looks round. */
    private static Tint shaded(Tint tint, double distance, double angle) {
        return tint.deeper(Math.max(0, 0.4 * distance * (0.5 * Math.cos(angle) + 0.85 * Math.sin(angle))));
    }

    private static void paintFloret(Brush brush, double radius, Tint tint) {
        Path2D star = star(radius);
        brush.fill(star, tint.opaque());
        brush.stroke(star, tint.deeper(0.5).withOpacity(0.5), 0.022);
        brush.dot(0, 0, 0.3 * radius, tint.lighter(0.6));
    }

    private static Path2D star(double radius) {
        Path2D.Double path = new Path2D.Double();
        double step = Math.PI / FLORET_TIPS;
        path.moveTo(radius, 0);
        for (int corner = 1; corner < 2 * FLORET_TIPS; corner++) {
            double reach = corner % 2 == 0 ? radius : 0.62 * radius;
            path.lineTo(reach * Math.cos(corner * step), reach * Math.sin(corner * step));
        }
        path.closePath();
        return path;
    }
}
