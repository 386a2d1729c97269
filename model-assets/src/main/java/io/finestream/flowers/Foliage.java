package io.finestream.flowers;

import java.awt.Color;
import java.awt.LinearGradientPaint;
import java.awt.Shape;

/** Stems and leaves, in greens that are the same for every family. */
final class Foliage {

    private static final Tint GREEN = Tint.rgb(0x4E8A3C);
    private static final Tint STEM = Tint.rgb(0x5E9A45);

    private Foliage() {}

    static void stem(Brush brush, Shape line, double width) {
        brush.stroke(line, STEM.darker(0.35).opaque(), width + 0.024);
        brush.stroke(line, STEM.opaque(), width);
    }

    /** A pointed leaf from the origin of the brush in the given direction; 0 is up. */
    static void leaf(Brush brush, double angle, double length, double width) {
        Petal leaf = new Petal(length, width, 0.5, Petal.Tip.POINTED);
        float half = (float) width / 2;
        Color lit = GREEN.lighter(0.18).opaque();
        Color shaded = GREEN.darker(0.22).opaque();
        Brush turned = brush.turned(angle);
        turned.fill(
                leaf.outline(),
                new LinearGradientPaint(
                        -half, 0, half, 0, new float[] {0, 0.49f, 0.51f, 1}, new Color[] {lit, lit, shaded, shaded}));
        turned.stroke(leaf.outline(), GREEN.darker(0.45).withOpacity(0.5), 0.024);
    }
}
