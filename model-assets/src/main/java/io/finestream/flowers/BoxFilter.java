package io.finestream.flowers;

import java.awt.image.BufferedImage;
import java.awt.image.DataBufferByte;
import java.awt.image.DataBufferInt;

/** Shrinks a square picture by a whole factor; each pixel is the mean of the pixels that it covers. */
final class BoxFilter {

    private BoxFilter() {}

    /** Takes and returns TYPE_INT_RGB. */
    static BufferedImage shrink(BufferedImage large, int factor) {
        int width = large.getWidth();
        int size = width / factor;
        int area = factor * factor;
        int[] pixels = ((DataBufferInt) large.getRaster().getDataBuffer()).getData();
        BufferedImage small = new BufferedImage(size, size, BufferedImage.TYPE_INT_RGB);
        int[] means = ((DataBufferInt) small.getRaster().getDataBuffer()).getData();
        for (int y = 0; y < size; y++) {
            for (int x = 0; x < size; x++) {
                int red = area / 2;
                int green = area / 2;
                int blue = area / 2;
                for (int v = 0; v < factor; v++) {
                    int row = (y * factor + v) * width + x * factor;
                    for (int u = 0; u < factor; u++) {
                        int pixel = pixels[row + u];
                        red += (pixel >> 16) & 0xFF;
                        green += (pixel >> 8) & 0xFF;
                        blue += pixel & 0xFF;
                    }
                }
                means[y * size + x] = ((red / area) << 16) | ((green / area) << 8) | (blue / area);
            }
        }
        return small;
    }

    /** Takes TYPE_INT_ARGB and returns its alpha as TYPE_BYTE_GRAY, rounded up: 0 where nothing at all was painted. */
    static BufferedImage shrinkOpacity(BufferedImage large, int factor) {
        int width = large.getWidth();
        int size = width / factor;
        int area = factor * factor;
        int[] pixels = ((DataBufferInt) large.getRaster().getDataBuffer()).getData();
        BufferedImage small = new BufferedImage(size, size, BufferedImage.TYPE_BYTE_GRAY);
        byte[] means = ((DataBufferByte) small.getRaster().getDataBuffer()).getData();
        for (int y = 0; y < size; y++) {
            for (int x = 0; x < size; x++) {
                int alpha = area - 1;
                for (int v = 0; v < factor; v++) {
                    int row = (y * factor + v) * width + x * factor;
                    for (int u = 0; u < factor; u++) {
                        alpha += pixels[row + u] >>> 24;
                    }
                }
                means[y * size + x] = (byte) (alpha / area);
            }
        }
        return small;
    }
}
