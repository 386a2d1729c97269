package io.finestream.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.finestream.schemas.GeneratedImage;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;

/**
 * A folder of images, {@code superclass/subclass/requestId-sample.png}, and {@code images.jsonl}, a line per image with
 * everything that its record says. Names come from the stream, so all of them pass through {@link SafeFileName}.
 */
final class ImageArchive implements AutoCloseable {

    static final String MANIFEST = "images.jsonl";

    private static final Map<String, String> EXTENSIONS =
            Map.of("image/png", "png", "image/jpeg", "jpg", "image/webp", "webp");

    private final Path folder;
    private final BufferedWriter manifest;

    private ImageArchive(Path folder, BufferedWriter manifest) {
        this.folder = folder;
        this.manifest = manifest;
    }

    /** Goes on with what is in the folder; the last line of the manifest about a file is the one that holds. */
    static ImageArchive in(Path folder) throws IOException {
        Files.createDirectories(folder);
        return new ImageArchive(
                folder,
                Files.newBufferedWriter(
                        folder.resolve(MANIFEST), StandardOpenOption.CREATE, StandardOpenOption.APPEND));
    }

    /**
     * An image that was written.
     *
     * @param line what is known about it, as in the manifest
     */
    record Added(Path file, ObjectNode line) {}

    /** Writes the file, then its line. */
    Added add(GeneratedImage image) throws IOException {
        String extension = EXTENSIONS.getOrDefault(image.getFormat(), "image");
        Path file = Path.of(
                SafeFileName.of(image.getSuperclass()),
                SafeFileName.of(image.getSubclass()),
                SafeFileName.of(image.getRequestId()) + "-" + image.getSample() + "." + extension);
        Path target = folder.resolve(file);
        Files.createDirectories(folder.resolve(file).getParent());
        Files.write(target, bytes(image));
        ObjectNode line = RecordJson.write(image);
        line.put("file", file.toString().replace('\\', '/'));
        manifest.write(line.toString());
        manifest.newLine();
        manifest.flush();
        return new Added(target, line);
    }

    static byte[] bytes(GeneratedImage image) {
        ByteBuffer buffer = image.getImage().duplicate();
        byte[] bytes = new byte[buffer.remaining()];
        buffer.get(bytes);
        return bytes;
    }

    @Override
    public void close() throws IOException {
        manifest.close();
    }
}
