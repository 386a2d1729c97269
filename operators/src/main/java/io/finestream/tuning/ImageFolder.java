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
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;

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
        if (!Files.isDirectory(root)) {
            throw new IOException("there is no folder " + root.toAbsolutePath()
                    + "; expected folders superclass/subclass/ with images in it");
        }
        List<String> superclasses = new ArrayList<>();
        List<Taxonomy.Subclass> subclasses = new ArrayList<>();
        List<Path> folders = new ArrayList<>();
        for (Path superclass : folders(root)) {
            for (Path subclass : folders(superclass)) {
                subclasses.add(new Taxonomy.Subclass(subclass.getFileName().toString(), superclasses.size()));
                folders.add(subclass);
            }
            superclasses.add(superclass.getFileName().toString());
        }
        if (subclasses.isEmpty()) {
            throw new IOException("there are no classes in " + root.toAbsolutePath()
                    + "; expected folders superclass/subclass/ with images");
        }
        List<List<byte[]>> images = new ArrayList<>();
        int count = 0;
        for (Path folder : folders) {
            images.add(readClass(folder, imageSize));
            count += images.get(images.size() - 1).size();
            loaded.accept(count);
        }
        return new ImageFolder(new Taxonomy(superclasses, subclasses), imageSize, images);
    }

    private static List<byte[]> readClass(Path folder, int imageSize) throws IOException {
        List<Path> files;
        try (Stream<Path> list = Files.list(folder)) {
            files = list.filter(ImageFolder::isImage).sorted().toList();
        }
        if (files.isEmpty()) {
            throw new IOException("class folder " + folder + " has no images (.png, .jpg, .jpeg)");
        }
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

    private static List<Path> folders(Path parent) throws IOException {
        try (Stream<Path> list = Files.list(parent)) {
            return list.filter(Files::isDirectory).sorted().toList();
        }
    }

    private static boolean isImage(Path file) {
        String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
        return name.endsWith(".png") || name.endsWith(".jpg") || name.endsWith(".jpeg");
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
        float[] planes = new float[3 * imageSize * imageSize];
        write(subclass, index, false, planes, 0);
        return Images.fromPlanes(planes, imageSize, imageSize);
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
