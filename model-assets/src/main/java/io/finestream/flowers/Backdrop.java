package io.finestream.flowers;

import java.awt.Color;
import java.awt.GradientPaint;
import java.awt.Graphics2D;
import java.awt.Paint;
import java.awt.RadialGradientPaint;
import java.awt.image.BufferedImage;

/**
 * What is behind the flower: two soft tints that run into each other, darker in the middle, which
 * lifts the flower off it.
 *
 * <p>Drawn from the image seed alone, never from the species, so that a model cannot tell the species by it.
 *
 * @param angle the direction in which {@code near} runs into {@code far}, in radians
 * @param round whether the tints run from the middle outwards
 */
record Backdrop(Tint near, Tint far, double angle, boolean round) {

    private static final double SHADE = 0.12; // opacity of the dark middle

    static Backdrop sample(Jitter jitter) {
        double hue = jitter.between(0, 1);
        double saturation = jitter.between(0.05, 0.17);
        double brightness = jitter.between(0.76, 0.93);
        Tint near = Tint.hsb(hue, saturation, brightness);
        Tint far = Tint.hsb(hue + jitter.around(0.12), saturation + 0.06, brightness - jitter.between(0.08, 0.2));
        return new Backdrop(near, far, jitter.between(0, 2 * Math.PI), jitter.between(0, 1) < 0.4);
    }

    /** A square of the given side, in pixels; TYPE_INT_RGB. */
    BufferedImage toImage(int side) {
        BufferedImage image = new BufferedImage(side, side, BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = image.createGraphics();
        float half = side / 2f;
        graphics.setPaint(paint(half));
        graphics.fillRect(0, 0, side, side);
        graphics.setPaint(new RadialGradientPaint(half, half, half, new float[] {0.4f, 1}, new Color[] {
            Tint.BLACK.withOpacity(SHADE), Tint.BLACK.withOpacity(0)
        }));
        graphics.fillRect(0, 0, side, side);
        graphics.dispose();
        return image;
    }

    private Paint paint(float half) {
        if (round) {
            return new RadialGradientPaint(
                    half, half, 1.4f * half, new float[] {0, 1}, new Color[] {near.opaque(), far.opaque()});
        }
        float x = half * (float) Math.cos(angle);
        float y = half * (float) Math.sin(angle);
        return new GradientPaint(half - x, half - y, near.opaque(), half + x, half + y, far.opaque());
    }
}
