package io.finestream.codec;

import java.awt.Graphics2D;
import java.awt.Rectangle;
import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.ColorModel;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.imageio.IIOException;
import javax.imageio.ImageIO;
import javax.imageio.ImageReadParam;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;
import javax.imageio.stream.MemoryCacheImageInputStream;

/**
 * Reads image files that nobody has looked at before. Whatever is wrong with one ends in an {@link IOException}, and how
 * large it says it is comes before the memory for it.
 */
final class ImageDecoder {

    private static final int LONGEST_SIDE = 32_767; // a reader takes two rows at least, whatever it is asked for
    private static final int MOST_PIXELS = 64_000_000;
    private static final int UNREDUCED_PIXELS = 4_000_000;
    private static final int BMP_HEADER_LENGTH = 14; // offset in the file
    private static final int BMP_COMPRESSION = 30; // offset in the file
    private static final int BMP_OLDEST_HEADER = 12; // bytes; it has no compression

    private ImageDecoder() {}

    /** What of an image of this size is to be read. */
    private interface Selection {
        void apply(ImageReadParam read, int width, int height);
    }

    static BufferedImage decode(byte[] file) throws IOException {
        return decode(file, (read, width, height) -> {});
    }

    /**
     * The image as far as {@code framing} needs it for a square of {@code side}: up to 4 million pixels as it is, of a
     * larger one every n-th row and column, but twice the square at least.
     */
    static BufferedImage decode(byte[] file, Framing framing, int side) throws IOException {
        return decode(file, (read, width, height) -> {
            Rectangle part = framing.part(width, height);
            double pixels = (double) part.width * part.height;
            int period = (int) Math.min(
                    Math.ceil(Math.sqrt(pixels / UNREDUCED_PIXELS)), framing.fitted(width, height) / (2.0 * side));
            read.setSourceRegion(part);
            if (period > 1) {
                read.setSourceSubsampling(period, period, 0, 0);
            }
        });
    }

    private static BufferedImage decode(byte[] file, Selection selection) throws IOException {
        ImageFormat format = ImageFormat.of(file)
                .orElseThrow(() -> new IOException(
                        "not an image this JDK can read (PNG, JPEG, GIF, BMP); it has " + file.length + " bytes"));
        try (ImageInputStream in = new MemoryCacheImageInputStream(new ByteArrayInputStream(file))) {
            if (format == ImageFormat.BMP && holdsAnotherFile(file)) {
                throw new IIOException("it holds another image file");
            }
            return srgb(read(in, format, selection));
        } catch (ImageSizeException e) {
            throw e;
        } catch (IOException | RuntimeException e) { // damaged files run the JDK's readers into both
            String why = e instanceof IIOException ? String.valueOf(e.getMessage()) : String.valueOf(e);
            throw new IOException(
                    "the " + format + " image can not be read (" + why + "); it is damaged, or of a kind that this JDK"
                            + " does not read, as CMYK is: save it anew as RGB",
                    e);
        }
    }

    /** Which is of a size of its own: compression 4 and 5 of a header longer than the oldest. */
    private static boolean holdsAnotherFile(byte[] bmp) {
        return bmp.length > BMP_COMPRESSION
                && bmp[BMP_HEADER_LENGTH] != BMP_OLDEST_HEADER
                && (bmp[BMP_COMPRESSION] == 4 || bmp[BMP_COMPRESSION] == 5);
    }

    private static BufferedImage read(ImageInputStream in, ImageFormat format, Selection selection) throws IOException {
        ImageReader reader = ImageIO.getImageReadersByFormatName(format.name().toLowerCase(Locale.ROOT))
                .next();
        try {
            AtomicBoolean cutOff = new AtomicBoolean();
            reader.addIIOReadWarningListener((source, warning) -> { // the reader paints grey what is missing
                if (warning.contains("Missing EOI") || warning.contains("premature end")) {
                    cutOff.set(true);
                }
            });
            reader.setInput(in, true, true);
            int width = reader.getWidth(0);
            int height = reader.getHeight(0);
            requireSize(width, height);
            ImageReadParam read = reader.getDefaultReadParam();
            selection.apply(read, width, height);
            BufferedImage image = reader.read(0, read);
            if (cutOff.get()) {
                throw new IIOException("its end is missing");
            }
            if (format == ImageFormat.JPEG && image.getRaster().getNumBands() > 3) {
                throw new IIOException("it has four channels"); // the JDK takes the fourth for transparency
            }
            return image;
        } finally {
            reader.dispose();
        }
    }

    private static void requireSize(int width, int height) throws ImageSizeException {
        if (Math.max(width, height) > LONGEST_SIDE || (long) width * height > MOST_PIXELS) {
            throw new ImageSizeException("the image is " + width + " x " + height + " pixels, expected at most "
                    + MOST_PIXELS + " in all and " + LONGEST_SIDE + " a side; scale it down");
        }
    }

    /** The same colours, without a profile that would have to be understood later. */
    private static BufferedImage srgb(BufferedImage image) {
        ColorModel colours = image.getColorModel();
        if (colours.getColorSpace().isCS_sRGB()) {
            return image;
        }
        BufferedImage converted = new BufferedImage(
                image.getWidth(),
                image.getHeight(),
                colours.hasAlpha() ? BufferedImage.TYPE_INT_ARGB : BufferedImage.TYPE_INT_RGB);
        if (colours.getColorSpace().getType() == ColorSpace.TYPE_GRAY) {
            copyGrey(image.getRaster(), colours.getComponentSize(0) - Byte.SIZE, converted);
        } else {
            Graphics2D g = converted.createGraphics();
            g.drawImage(image, 0, 0, null);
            g.dispose();
        }
        return converted;
    }

    /** Levels as they are in the file: Java takes grey for linear light, and would brighten it. */
    private static void copyGrey(Raster grey, int shift, BufferedImage target) {
        int bands = grey.getNumBands();
        int[] row = new int[grey.getWidth() * bands];
        for (int y = 0; y < grey.getHeight(); y++) {
            grey.getPixels(0, y, grey.getWidth(), 1, row);
            for (int x = 0; x < grey.getWidth(); x++) {
                int level = row[x * bands] >> shift;
                int alpha = bands == 1 ? 0xff : row[x * bands + 1] >> shift;
                target.setRGB(x, y, alpha << 24 | level * 0x010101);
            }
        }
    }
}
