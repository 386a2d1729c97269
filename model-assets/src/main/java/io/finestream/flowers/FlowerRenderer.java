package io.finestream.flowers;

import java.awt.Graphics2D;
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
        int supersampling = supersampling(size);
        int side = size * supersampling;
        Jitter scenery = new Jitter(new SplittableRandom(imageSeed));
        Backdrop backdrop = Backdrop.sample(scenery);
        Light light = Light.sample(scenery);

        BufferedImage canvas = new BufferedImage(side, side, BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = smooth(canvas);
        graphics.drawImage(backdrop.toImage(size), 0, 0, side, side, null);
        paintFlower(graphics, species, imageSeed, side);
        graphics.dispose();
        BufferedImage picture = BoxFilter.shrink(canvas, supersampling);
        light.paint(picture);
        return picture;
    }

    /**
     * What the flower, its stem and its leaves cover in {@link #render} with the same arguments; to put the flower on
     * another background or to look at one of the two alone. Where the mask is 0, the picture is the background that
     * every species has with this seed.
     *
     * @return a square image of TYPE_BYTE_GRAY, 0 outside the flower, 255 inside; the caller's own
     * @throws IllegalArgumentException for a size outside 8..2048
     */
    public static BufferedImage mask(Species species, long imageSeed, int size) {
        int supersampling = supersampling(size);
        int side = size * supersampling;
        BufferedImage canvas = new BufferedImage(side, side, BufferedImage.TYPE_INT_ARGB);
        Graphics2D graphics = smooth(canvas);
        paintFlower(graphics, species, imageSeed, side);
        graphics.dispose();
        return BoxFilter.shrinkOpacity(canvas, supersampling);
    }

    private static int supersampling(int size) {
        if (size < SMALLEST_SIZE || size > LARGEST_SIZE) {
            throw new IllegalArgumentException("size is " + size + " pixels, expected " + SMALLEST_SIZE + ".."
                    + LARGEST_SIZE + "; render within this range and rescale");
        }
        return Math.max(1, Math.min(4, LARGEST_CANVAS / size));
    }

    private static Graphics2D smooth(BufferedImage canvas) {
        Graphics2D graphics = canvas.createGraphics();
        graphics.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
        graphics.setRenderingHint(RenderingHints.KEY_STROKE_CONTROL, RenderingHints.VALUE_STROKE_PURE);
        return graphics;
    }

    /** Pose and irregularities have a generator of their own, so that a mask needs no background. */
    private static void paintFlower(Graphics2D graphics, Species species, long imageSeed, int side) {
        Jitter jitter = new Jitter(new SplittableRandom(imageSeed).split());
        Graphics2D flower = (Graphics2D) graphics.create();
        Pose.sample(species, jitter).applyTo(flower, side);
        species.family().drawing().draw(new Brush(flower), species, jitter);
    }
}
