package io.finestream.flowers;

import java.awt.Color;
import java.awt.RadialGradientPaint;

/** The round middle of a flower. */
record Disc(double radius, Tint tint) {

    private static final double GOLDEN_ANGLE = Math.PI * (3 - Math.sqrt(5));

    void paint(Brush brush) {
        float r = (float) radius;
        brush.fill(
                Brush.circle(0, 0, radius),
                new RadialGradientPaint(-0.3f * r, -0.3f * r, 1.4f * r, new float[] {0, 1}, new Color[] {
                    tint.lighter(0.25).opaque(), tint.darker(0.25).opaque()
                }));
        brush.stroke(Brush.circle(0, 0, radius), tint.darker(0.5).withOpacity(0.55), 0.026);
    }

    /** Seeds in the spiral of a sunflower (Vogel 1979). */
    void paintSeeds(Brush brush, int count, Tint seed) {
        double seedRadius = 0.55 * radius / Math.sqrt(count);
        for (int i = 0; i < count; i++) {
            double distance = 0.78 * radius * Math.sqrt((i + 0.5) / count);
            double angle = i * GOLDEN_ANGLE;
            brush.dot(distance * Math.cos(angle), distance * Math.sin(angle), seedRadius, seed);
        }
    }
}
