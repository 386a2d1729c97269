package io.finestream.flowers;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.RadialGradientPaint;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.util.SplittableRandom;

/** Renders pictures of species. Stateless, so any number of threads may use it at once. */
public final class FlowerRenderer {

    private static final int SMALLEST_SIZE = 8;
    private static final int LARGEST_SIZE = 2048;
    private static final int LARGEST_CANVAS = 2048; // a larger picture is supersampled less

    private FlowerRenderer() {}

    /**
     * A picture of the species. Equal arguments give equal pixels on one JDK.
     *
     * @param imageSeed picks background, light, pose and irregularities; background and light depend on nothing else
     * @param size width and height in pixels, 8..2048
     * @return a square image of TYPE_INT_RGB, the caller's own
     * @throws IllegalArgumentException for a size outside 8..2048
     */
    public static BufferedImage render(Species species, long imageSeed, int size) {
        if (size < SMALLEST_SIZE || size > LARGEST_SIZE) {
            throw new IllegalArgumentException("size is " + size + " pixels, expected " + SMALLEST_SIZE + ".."
                    + LARGEST_SIZE + "; render within this range and rescale");
        }
        int supersampling = Math.max(1, Math.min(4, LARGEST_CANVAS / size));
        int side = size * supersampling;
        BufferedImage canvas = new BufferedImage(side, side, BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = canvas.createGraphics();
        graphics.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
        graphics.setRenderingHint(RenderingHints.KEY_STROKE_CONTROL, RenderingHints.VALUE_STROKE_PURE);

        Jitter jitter = new Jitter(new SplittableRandom(imageSeed));
        Backdrop backdrop = Backdrop.sample(jitter);
        Light light = Light.sample(jitter);
        Pose pose = Pose.sample(species, jitter);

        backdrop.paint(graphics, side);
        Graphics2D flower = (Graphics2D) graphics.create();
        pose.applyTo(flower, side);
        shadow(new Brush(flower));
        species.family().drawing().draw(new Brush(flower), species, jitter);
        light.paint(graphics, side);
        graphics.dispose();
        return BoxFilter.shrink(canvas, supersampling);
    }

    /** A soft dark spot behind the flower lifts it off the background. */
    private static void shadow(Brush brush) {
        brush.fill(Brush.circle(0, 0, 0.5), new RadialGradientPaint(0, 0, 0.5f, new float[] {0.55f, 1}, new Color[] {
            Tint.BLACK.withOpacity(0.13), Tint.BLACK.withOpacity(0)
        }));
    }
}
