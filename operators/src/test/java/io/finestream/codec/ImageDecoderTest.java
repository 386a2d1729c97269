package io.finestream.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.sun.management.ThreadMXBean;
import java.awt.Transparency;
import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.ComponentColorModel;
import java.awt.image.DataBuffer;
import java.awt.image.Raster;
import java.awt.image.RenderedImage;
import java.awt.image.WritableRaster;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.CRC32;
import java.util.zip.DeflaterOutputStream;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriter;
import javax.imageio.stream.ImageOutputStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class ImageDecoderTest {

    private static final int TRUECOLOUR = 2;
    private static final int GREY = 0;
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    @ParameterizedTest
    @ValueSource(strings = {"png", "jpg", "gif", "bmp"})
    void aFileThatIsCutOffIsRefused(String format) throws IOException {
        byte[] whole = file(noise(60, 60), format);
        assertThat(Images.decode(whole).getWidth()).isEqualTo(60);
        for (int percent : new int[] {95, 50, 20, 3}) {
            refused(() -> Images.decode(Arrays.copyOf(whole, whole.length * percent / 100)))
                    .withMessageContaining("can not be read")
                    .withMessageContaining("save it anew as RGB");
        }
    }

    @Test
    void aCutOffPhotographIsNotTakenForOneWithAGreyEnd() throws IOException {
        byte[] whole = file(noise(60, 60), "jpg");
        refused(() -> Images.decode(Arrays.copyOf(whole, whole.length - 300)))
                .withMessageStartingWith("the JPEG image can not be read (its end is missing)");
    }

    @ParameterizedTest
    @CsvSource({"20000, 20000", "2147483647, 2147483647", "1, 64000000", "40000, 1"})
    void aSizeBeyondTheBoundIsRefusedBeforeAnyMemoryForIt(int width, int height) throws IOException {
        byte[] header = png(width, height, 8, TRUECOLOUR, new byte[10]);
        long allocated = allocated(() -> assertThatExceptionOfType(ImageSizeException.class)
                .isThrownBy(() -> Images.decode(header, Framing.PAD, 64))
                .withMessageStartingWith("the image is " + width + " x " + height + " pixels, expected at most")
                .withMessageEndingWith("scale it down"));
        assertThat(allocated).isLessThan(10 << 20);
    }

    @ParameterizedTest
    @EnumSource(Framing.class)
    void aLargeImageIsReadInBoundedMemory(Framing framing) throws IOException {
        byte[] bomb = png(7_900, 8_000, 1, GREY, new byte[8_000 * (1 + 988)]);
        assertThat(bomb).hasSizeLessThan(20_000);
        BufferedImage[] decoded = new BufferedImage[1];
        long allocated = allocated(() -> decoded[0] = Images.decode(bomb, framing, 64));
        assertThat(decoded[0].getWidth()).isBetween(128, 2_000);
        assertThat(allocated).isLessThan(30 << 20);
    }

    @Test
    void aLargeSizeWithoutTheDataIsRefusedInBoundedMemory() throws IOException {
        byte[] hollow = png(7_900, 8_000, 16, 6, new byte[10]);
        long allocated = allocated(() -> refused(() -> Images.decode(hollow, Framing.CENTRE_CROP, 64)));
        assertThat(allocated).isLessThan(60 << 20);
    }

    @Test
    void aSideOfAnyLengthStaysBounded() throws IOException {
        byte[] ribbon = png(32_767, 600, 1, GREY, new byte[600 * (1 + 4_096)]);
        for (Framing framing : Framing.values()) {
            long allocated = allocated(() -> {
                BufferedImage decoded = Images.decode(ribbon, framing, 256);
                assertThat(framing.square(decoded, 256).getWidth()).isEqualTo(256);
            });
            assertThat(allocated).isLessThan(60 << 20);
        }
    }

    @ParameterizedTest
    @EnumSource(Framing.class)
    void anOrdinaryImageIsReadWhole(Framing framing) throws IOException {
        byte[] file = file(noise(700, 500), "png");
        assertThat(Images.toPlanes(Images.decode(file, framing, 64))).isEqualTo(Images.toPlanes(Images.decode(file)));
    }

    @ParameterizedTest
    @EnumSource(Framing.class)
    void aReducedImageLooksLikeTheWhole(Framing framing) throws IOException {
        BufferedImage slopes = new BufferedImage(3_000, 2_400, BufferedImage.TYPE_INT_RGB);
        for (int y = 0; y < slopes.getHeight(); y++) {
            for (int x = 0; x < slopes.getWidth(); x++) {
                slopes.setRGB(x, y, x * 255 / 3_000 << 16 | y * 255 / 2_400 << 8 | (x + y) % 2 * 16);
            }
        }
        byte[] file = file(slopes, "jpg");
        BufferedImage reduced = Images.decode(file, framing, 64);
        assertThat(reduced.getWidth()).isEqualTo(1_500);
        byte[] whole = Images.toPlanes(framing.square(slopes, 64));
        byte[] planes = Images.toPlanes(framing.square(reduced, 64));
        double difference = 0;
        for (int i = 0; i < planes.length; i++) {
            difference += Math.abs((planes[i] & 0xff) - (whole[i] & 0xff)) / (double) planes.length;
        }
        assertThat(difference).isLessThan(4);
    }

    @Test
    void anAnimationIsItsFirstPicture() throws IOException {
        ImageWriter writer = ImageIO.getImageWritersByFormatName("gif").next();
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ImageOutputStream out = ImageIO.createImageOutputStream(bytes)) {
            writer.setOutput(out);
            writer.prepareWriteSequence(null);
            for (int colour : new int[] {0xff0000, 0x0000ff}) {
                writer.writeToSequence(new IIOImage(plain(8, 8, colour), null, null), null);
            }
            writer.endWriteSequence();
        }
        assertThat(Images.decode(bytes.toByteArray()).getRGB(4, 4)).isEqualTo(0xffff0000);
    }

    @ParameterizedTest
    @CsvSource({"BYTE, 1, 128", "BYTE, 2, 128", "USHORT, 1, 32896", "USHORT, 2, 32896"})
    void greyIsAsBrightAsInTheFile(String depth, int bands, int level) throws IOException {
        boolean alpha = bands == 2;
        ComponentColorModel colours = new ComponentColorModel(
                ColorSpace.getInstance(ColorSpace.CS_GRAY),
                alpha,
                false,
                alpha ? Transparency.TRANSLUCENT : Transparency.OPAQUE,
                depth.equals("BYTE") ? DataBuffer.TYPE_BYTE : DataBuffer.TYPE_USHORT);
        WritableRaster raster = colours.createCompatibleWritableRaster(9, 7);
        for (int i = 0; i < 63; i++) {
            raster.setPixel(i % 9, i / 9, new int[] {level, 0xffff});
        }
        byte[] file = file(new BufferedImage(colours, raster, false, null), "png");
        assertThat(Images.decode(file).getRGB(4, 4)).isEqualTo(0xff808080);
        assertThat(Framing.CENTRE_CROP.square(Images.decode(file), 7).getRGB(3, 3))
                .isEqualTo(0xff808080);
    }

    @Test
    void aJpegOfFourChannelsIsRefused() throws IOException {
        ImageWriter writer = ImageIO.getImageWritersByFormatName("jpg").next();
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ImageOutputStream out = ImageIO.createImageOutputStream(bytes)) {
            writer.setOutput(out);
            Raster cmyk = Raster.createInterleavedRaster(DataBuffer.TYPE_BYTE, 16, 16, 4, null);
            writer.write(null, new IIOImage(cmyk, null, null), null);
        }
        refused(() -> Images.decode(bytes.toByteArray())).withMessageContaining("CMYK");
    }

    @Test
    void aBitmapThatHoldsAnotherImageFileIsRefused() throws IOException {
        byte[] inner = png(20_000, 20_000, 8, TRUECOLOUR, new byte[10]);
        ByteBuffer bmp = ByteBuffer.allocate(54 + inner.length).order(ByteOrder.LITTLE_ENDIAN);
        bmp.put(new byte[] {'B', 'M'}).putInt(bmp.capacity()).putInt(0).putInt(54); // file header
        bmp.putInt(40).putInt(8).putInt(8).putShort((short) 1).putShort((short) 0);
        bmp.putInt(5).putInt(inner.length).put(54, inner);
        refused(() -> Images.decode(bmp.array())).withMessageContaining("it holds another image file");
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "1, 5000", "5000, 1", "2, 3"})
    void theSmallestAndTheNarrowestAreImagesToo(int width, int height) throws IOException {
        byte[] file = file(plain(width, height, 0x336699), "png");
        for (Framing framing : Framing.values()) {
            BufferedImage square = framing.square(Images.decode(file, framing, 32), 32);
            assertThat(square.getRGB(0, 0)).isEqualTo(0xff336699);
            assertThat(square.getRGB(31, 31)).isEqualTo(0xff336699);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"png", "jpg", "gif", "bmp"})
    void fiveHundredDamagedFilesEndInAnImageOrAnIoException(String format) throws IOException {
        byte[] good = file(noise(12, 12), format);
        Random random = new Random(7);
        int refused = 0;
        for (int i = 0; i < 500; i++) {
            byte[] damaged = Arrays.copyOf(good, i % 3 == 0 ? random.nextInt(good.length) + 1 : good.length);
            for (int k = 0; k < 1 + i % 4; k++) {
                int at = random.nextInt(i % 2 == 0 ? damaged.length : Math.min(damaged.length, 64)); // headers too
                damaged[at] = (byte) random.nextInt();
            }
            if (format.equals("png")) {
                mendChecksums(damaged);
            }
            Framing framing = Framing.values()[i % 2];
            try {
                assertThat(framing.square(Images.decode(damaged, framing, 16), 16)
                                .getWidth())
                        .isEqualTo(16);
            } catch (IOException e) {
                assertThat(e).hasMessageContaining("image");
                refused++;
            }
        }
        assertThat(refused).isBetween(50, 499);
    }

    private interface Work {
        void run() throws IOException;
    }

    /** Bytes of heap that the work has asked for, garbage included. */
    private static long allocated(Work work) throws IOException {
        long before = THREADS.getCurrentThreadAllocatedBytes();
        work.run();
        return THREADS.getCurrentThreadAllocatedBytes() - before;
    }

    private static org.assertj.core.api.ThrowableAssertAlternative<IOException> refused(ThrowingCallable decode) {
        return assertThatExceptionOfType(IOException.class).isThrownBy(decode);
    }

    private static byte[] file(RenderedImage image, String format) throws IOException {
        ByteArrayOutputStream file = new ByteArrayOutputStream();
        assertThat(ImageIO.write(image, format, file)).isTrue();
        return file.toByteArray();
    }

    private static BufferedImage plain(int width, int height, int colour) {
        BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        for (int i = 0; i < width * height; i++) {
            image.setRGB(i % width, i / width, colour);
        }
        return image;
    }

    private static BufferedImage noise(int width, int height) {
        Random random = new Random(6);
        BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        for (int i = 0; i < width * height; i++) {
            image.setRGB(i % width, i / width, random.nextInt(1 << 24));
        }
        return image;
    }

    /** A PNG file that says what it is told to, true or not. */
    private static byte[] png(int width, int height, int bitDepth, int colourType, byte[] rows) throws IOException {
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (DeflaterOutputStream deflater = new DeflaterOutputStream(packed)) {
            deflater.write(rows);
        }
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        DataOutputStream file = new DataOutputStream(bytes);
        file.write(new byte[] {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'});
        ByteBuffer header = ByteBuffer.allocate(13).putInt(width).putInt(height);
        header.put((byte) bitDepth).put((byte) colourType);
        chunk(file, "IHDR", header.array());
        chunk(file, "IDAT", packed.toByteArray());
        chunk(file, "IEND", new byte[0]);
        return bytes.toByteArray();
    }

    private static void chunk(DataOutputStream file, String type, byte[] data) throws IOException {
        byte[] name = type.getBytes(StandardCharsets.US_ASCII);
        file.writeInt(data.length);
        file.write(name);
        file.write(data);
        CRC32 checksum = new CRC32();
        checksum.update(name);
        checksum.update(data);
        file.writeInt((int) checksum.getValue());
    }

    /** So that damage gets past the first check. */
    private static void mendChecksums(byte[] png) {
        ByteBuffer file = ByteBuffer.wrap(png);
        int at = 8;
        while (at >= 8 && at + 12 <= png.length) {
            int length = file.getInt(at);
            if (length < 0 || length > png.length - at - 12) {
                return;
            }
            CRC32 checksum = new CRC32();
            checksum.update(png, at + 4, length + 4);
            file.putInt(at + 8 + length, (int) checksum.getValue());
            at += 12 + length;
        }
    }
}
