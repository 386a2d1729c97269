package io.finestream.flowers;

import java.awt.GradientPaint;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;

/** A veil over the finished picture: a little white on one side, a little black on the other. */
record Light(double angle, double strength) {

    static Light sample(Jitter jitter) {
        return new Light(jitter.between(0, 2 * Math.PI), jitter.between(0, 0.12));
    }

    void paint(BufferedImage picture) {
        int side = picture.getWidth();
        Graphics2D graphics = picture.createGraphics();
        float half = side / 2f;
        float x = half * (float) Math.cos(angle);
        float y = half * (float) Math.sin(angle);
        graphics.setPaint(new GradientPaint(
                half + x, half + y, Tint.WHITE.withOpacity(strength), half, half, Tint.WHITE.withOpacity(0)));
        graphics.fillRect(0, 0, side, side);
        graphics.setPaint(new GradientPaint(
                half - x, half - y, Tint.BLACK.withOpacity(strength), half, half, Tint.BLACK.withOpacity(0)));
        graphics.fillRect(0, 0, side, side);
        graphics.dispose();
    }
}
