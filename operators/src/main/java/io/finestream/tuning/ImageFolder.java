package io.finestream.tuning;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.finestream.codec.Images;
import io.finestream.dit.Taxonomy;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;

/**
 * Labeled images from a folder {@code superclass/subclass/image}, held in memory as bytes. Classes are numbered in the
 * order of their folders' names.
 *
 * @param taxonomy the folders' names
 * @param imageSize side in pixels
 * @param images per subclass, each [3, size, size] flattened, 0 to 255
 */
public record ImageFolder(Taxonomy taxonomy, int imageSize, List<List<byte[]>> images) {

    /**
     * Reads every image under {@code root}, cropped at the centre to {@code imageSize}.
     *
     * @param loaded told the number of images after each class
     * @throws IOException if there is no such folder, a class has no image, or a file is not an image
     */
    public static ImageFolder read(Path root, int imageSize, IntConsumer loaded) throws IOException {
        ClassFolders folders = ClassFolders.list(root);
        List<List<byte[]>> images = new ArrayList<>();
        int count = 0;
        for (List<Path> files : folders.files()) {
            images.add(readClass(files, imageSize));
            count += images.get(images.size() - 1).size();
            loaded.accept(count);
        }
        return new ImageFolder(folders.taxonomy(), imageSize, images);
    }

    private static List<byte[]> readClass(List<Path> files, int imageSize) throws IOException {
        List<byte[]> images = new ArrayList<>();
        for (Path file : files) {
            try {
                images.add(Images.toPlanes(Images.centreCrop(Images.decode(Files.readAllBytes(file)), imageSize)));
            } catch (IOException e) {
                throw new IOException(file + ": " + e.getMessage() + "; mend or remove it", e);
            }
        }
        return images;
    }

    public int count() {
        return images.stream().mapToInt(List::size).sum();
    }

    /** SHA-256 of every pixel of every image, and of the classes' names; lower-case hex. */
    public String digest() {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update((imageSize + " " + taxonomy.subclasses()).getBytes(StandardCharsets.UTF_8));
            images.forEach(ofClass -> ofClass.forEach(digest::update));
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    /** One image, for people to look at. */
    public BufferedImage image(int subclass, int index) {
        return Images.fromPlanes(planes(subclass, index), imageSize, imageSize);
    }

    /** One image as numbers from −1 to 1, [3, size, size] flattened; the caller's own. */
    public float[] planes(int subclass, int index) {
        float[] planes = new float[3 * imageSize * imageSize];
        write(subclass, index, false, planes, 0);
        return planes;
    }

    /**
     * Images drawn at random, half of them mirrored.
     *
     * @return float32 [count, 3, size, size], −1 to 1
     */
    public NDArray batch(NDManager m, int count, SplittableRandom random) {
        int numbers = 3 * imageSize * imageSize;
        float[] planes = new float[count * numbers];
        for (int b = 0; b < count; b++) {
            int subclass = random.nextInt(images.size());
            int image = random.nextInt(images.get(subclass).size());
            write(subclass, image, random.nextBoolean(), planes, b * numbers);
        }
        return m.create(planes, new Shape(count, 3, imageSize, imageSize));
    }

    /** Copies an image into {@code target} as numbers from −1 to 1, mirrored if asked. */
    void write(int subclass, int index, boolean mirrored, float[] target, int offset) {
        byte[] planes = images.get(subclass).get(index);
        IntStream.range(0, planes.length).forEach(i -> {
            int column = i % imageSize;
            int from = mirrored ? i - column + imageSize - 1 - column : i;
            target[offset + i] = (planes[from] & 0xff) / 127.5f - 1;
        });
    }
}
