package io.finestream.tuning;

import io.finestream.codec.Images;
import io.finestream.dit.Taxonomy;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Labeled pictures of things without their background, from a folder {@code superclass/subclass/image}: alpha says what
 * is the thing. A picture without an alpha channel is all thing.
 *
 * @param taxonomy the folders' names
 * @param imageSize side in pixels
 * @param images per subclass, each [4, size, size] flattened, 0 to 255: red, green, blue, alpha; the colours are not
 *     multiplied by alpha
 */
public record CutOuts(Taxonomy taxonomy, int imageSize, List<List<byte[]>> images) {

    private static final int OPAQUE = 0xff000000;

    /**
     * Reads every image under {@code root}, cropped at the centre to {@code imageSize}.
     *
     * @throws IOException if there is no such folder, a class has no image, or a file is not an image
     */
    public static CutOuts read(Path root, int imageSize) throws IOException {
        ClassFolders folders = ClassFolders.list(root);
        List<List<byte[]>> images = new ArrayList<>();
        for (List<Path> files : folders.files()) {
            List<byte[]> ofClass = new ArrayList<>();
            for (Path file : files) {
                try {
                    ofClass.add(planes(Images.decode(Files.readAllBytes(file)), imageSize));
                } catch (IOException e) {
                    throw new IOException(file + ": " + e.getMessage() + "; mend or remove it", e);
                }
            }
            images.add(ofClass);
        }
        return new CutOuts(folders.taxonomy(), imageSize, images);
    }

    /** Colours and alpha are scaled apart from each other: scaled together, the hidden colours would turn black. */
    private static byte[] planes(BufferedImage image, int size) {
        BufferedImage colours = new BufferedImage(image.getWidth(), image.getHeight(), BufferedImage.TYPE_INT_RGB);
        BufferedImage alpha = new BufferedImage(image.getWidth(), image.getHeight(), BufferedImage.TYPE_INT_RGB);
        for (int y = 0; y < image.getHeight(); y++) {
            for (int x = 0; x < image.getWidth(); x++) {
                int argb = image.getRGB(x, y);
                colours.setRGB(x, y, argb | OPAQUE);
                alpha.setRGB(x, y, (argb >>> 24) * 0x010101);
            }
        }
        int area = size * size;
        byte[] planes = new byte[4 * area];
        System.arraycopy(Images.toPlanes(Images.centreCrop(colours, size)), 0, planes, 0, 3 * area);
        System.arraycopy(Images.toPlanes(Images.centreCrop(alpha, size)), 0, planes, 3 * area, area);
        return planes;
    }

    public int count() {
        return images.stream().mapToInt(List::size).sum();
    }
}
