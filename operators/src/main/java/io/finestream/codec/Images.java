package io.finestream.codec;

import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Iterator;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;

/** Images as bytes of a file, as {@link BufferedImage}, and as planes of numbers from −1 to 1. */
public final class Images {

    private static final int CHANNELS = 3;
    private static final long MAX_PIXELS = 64_000_000;

    static {
        ImageIO.setUseCache(false); // otherwise every image goes through a temporary file
    }

    private Images() {}

    /**
     * @param planes [3, H, W] flattened, −1 to 1; values outside are clipped
     */
    public static BufferedImage fromPlanes(float[] planes, int width, int height) {
        int area = width * height;
        if (planes.length != CHANNELS * area) {
            throw new IllegalArgumentException("an image of " + width + " x " + height + " needs " + CHANNELS * area
                    + " numbers, there are " + planes.length);
        }
        int[] rgb = new int[area];
        for (int i = 0; i < area; i++) {
            rgb[i] = level(planes[i]) << 16 | level(planes[area + i]) << 8 | level(planes[2 * area + i]);
        }
        BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        image.setRGB(0, 0, width, height, rgb, 0, width);
        return image;
    }

    private static int level(float value) {
        return Math.round(Math.max(0, Math.min(1, (value + 1) / 2)) * 255);
    }

    /** One byte per number, [3, H, W] flattened: the inverse of {@link #fromPlanes} but for the scale, 0 to 255. */
    public static byte[] toPlanes(BufferedImage image) {
        int width = image.getWidth();
        int area = width * image.getHeight();
        int[] rgb = image.getRGB(0, 0, width, image.getHeight(), null, 0, width);
        byte[] planes = new byte[CHANNELS * area];
        for (int i = 0; i < area; i++) {
            planes[i] = (byte) (rgb[i] >> 16);
            planes[area + i] = (byte) (rgb[i] >> 8);
            planes[2 * area + i] = (byte) rgb[i];
        }
        return planes;
    }

    public static byte[] toPng(BufferedImage image) {
        try (ByteArrayOutputStream bytes = new ByteArrayOutputStream()) {
            if (!ImageIO.write(image, "png", bytes)) {
                throw new IOException("this JDK has no PNG writer");
            }
            return bytes.toByteArray();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Decodes PNG, JPEG, GIF or BMP.
     *
     * @throws IOException if the bytes are none of these
     */
    public static BufferedImage decode(byte[] file) throws IOException {
        try (ImageInputStream in = ImageIO.createImageInputStream(new ByteArrayInputStream(file))) {
            Iterator<ImageReader> readers = ImageIO.getImageReaders(in);
            if (!readers.hasNext()) {
                throw new IOException(
                        "not an image this JDK can read (PNG, JPEG, GIF, BMP); it has " + file.length + " bytes");
            }
            ImageReader reader = readers.next();
            try {
                reader.setInput(in, true, true);
                long pixels = (long) reader.getWidth(0) * reader.getHeight(0);
                if (pixels > MAX_PIXELS) { // a small file can claim to be large
                    throw new IOException("the image is " + reader.getWidth(0) + " x " + reader.getHeight(0)
                            + " pixels, expected at most " + MAX_PIXELS + " in all; scale it down");
                }
                return reader.read(0);
            } finally {
                reader.dispose();
            }
        }
    }

    /**
     * The centre crop of ADM (guided-diffusion, {@code center_crop_arr}): halve while twice too large, scale the shorter
     * side to {@code size}, cut out the middle.
     */
    public static BufferedImage centreCrop(BufferedImage image, int size) {
        BufferedImage scaled = image;
        while (Math.min(scaled.getWidth(), scaled.getHeight()) >= 2 * size) {
            scaled = scale(scaled, scaled.getWidth() / 2, scaled.getHeight() / 2);
        }
        double factor = (double) size / Math.min(scaled.getWidth(), scaled.getHeight());
        scaled = scale(
                scaled, (int) Math.round(scaled.getWidth() * factor), (int) Math.round(scaled.getHeight() * factor));
        return scale(
                scaled.getSubimage((scaled.getWidth() - size) / 2, (scaled.getHeight() - size) / 2, size, size),
                size,
                size);
    }

    private static BufferedImage scale(BufferedImage image, int width, int height) {
        if (image.getWidth() == width && image.getHeight() == height && image.getType() == BufferedImage.TYPE_INT_RGB) {
            return image;
        }
        BufferedImage scaled = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        Graphics2D g = scaled.createGraphics();
        boolean halving = width * 2 == image.getWidth() && height * 2 == image.getHeight();
        g.setRenderingHint(
                RenderingHints.KEY_INTERPOLATION,
                halving ? RenderingHints.VALUE_INTERPOLATION_BILINEAR : RenderingHints.VALUE_INTERPOLATION_BICUBIC);
        g.drawImage(image, 0, 0, width, height, null);
        g.dispose();
        return scaled;
    }
}
