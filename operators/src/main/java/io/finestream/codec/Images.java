package io.finestream.codec;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.Rectangle;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import javax.imageio.ImageIO;

/** Images as bytes of a file, as {@link BufferedImage}, and as planes of numbers from −1 to 1. */
public final class Images {

    private static final int CHANNELS = 3;

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
     * Decodes PNG, JPEG, GIF (its first picture) or BMP.
     *
     * @throws ImageSizeException if it has more than 64 million pixels
     * @throws IOException if the bytes are no whole image of these kinds
     */
    public static BufferedImage decode(byte[] file) throws IOException {
        return ImageDecoder.decode(file);
    }

    /**
     * Decodes an image of any size in bounded memory, as far as {@link Framing#square} needs it for a square of
     * {@code side}. Up to 4 million pixels it is the whole image; of a larger one, rows and columns are left out.
     *
     * @throws IOException as {@link #decode(byte[])}
     */
    public static BufferedImage decode(byte[] file, Framing framing, int side) throws IOException {
        return ImageDecoder.decode(file, framing, side);
    }

    /**
     * The centre crop of ADM (guided-diffusion, {@code center_crop_arr}): halve while twice too large, scale the shorter
     * side to {@code size}, cut out the middle. What is transparent turns white.
     */
    public static BufferedImage centreCrop(BufferedImage image, int size) {
        Rectangle part = Framing.CENTRE_CROP.part(image.getWidth(), image.getHeight());
        BufferedImage scaled = opaque(
                part.width == image.getWidth() && part.height == image.getHeight()
                        ? image
                        : image.getSubimage(part.x, part.y, part.width, part.height));
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

    /**
     * The whole image in the middle of a square: its longer side is scaled down to {@code size}, never up, and the
     * pixels of its edge are repeated outwards. What is transparent turns white.
     */
    public static BufferedImage pad(BufferedImage image, int size) {
        BufferedImage scaled = opaque(image);
        while (Math.max(scaled.getWidth(), scaled.getHeight()) >= 2 * size) {
            scaled = scale(scaled, Math.max(1, scaled.getWidth() / 2), Math.max(1, scaled.getHeight() / 2));
        }
        double factor = Math.min(1, (double) size / Math.max(scaled.getWidth(), scaled.getHeight()));
        int width = Math.max(1, (int) Math.round(scaled.getWidth() * factor));
        int height = Math.max(1, (int) Math.round(scaled.getHeight() * factor));
        scaled = scale(scaled, width, height);
        BufferedImage square = new BufferedImage(size, size, BufferedImage.TYPE_INT_RGB);
        for (int y = 0; y < size; y++) {
            int fromY = Math.max(0, Math.min(height - 1, y - (size - height) / 2));
            for (int x = 0; x < size; x++) {
                int fromX = Math.max(0, Math.min(width - 1, x - (size - width) / 2));
                square.setRGB(x, y, scaled.getRGB(fromX, fromY));
            }
        }
        return square;
    }

    private static BufferedImage opaque(BufferedImage image) {
        if (!image.getColorModel().hasAlpha()) {
            return image;
        }
        BufferedImage opaque = new BufferedImage(image.getWidth(), image.getHeight(), BufferedImage.TYPE_INT_RGB);
        Graphics2D g = opaque.createGraphics();
        g.drawImage(image, 0, 0, Color.WHITE, null);
        g.dispose();
        return opaque;
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
