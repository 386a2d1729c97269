package io.finestream.tuning;

import io.finestream.dit.Taxonomy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * The image files of a folder {@code superclass/subclass/image}. Classes are numbered in the order of their folders'
 * names.
 *
 * @param taxonomy the folders' names
 * @param files per subclass, by name
 */
public record ClassFolders(Taxonomy taxonomy, List<List<Path>> files) {

    /** @throws IOException if there is no such folder, or a class has no image */
    public static ClassFolders list(Path root) throws IOException {
        if (!Files.isDirectory(root)) {
            throw new IOException("there is no folder " + root.toAbsolutePath()
                    + "; expected folders superclass/subclass/ with images in it");
        }
        List<String> superclasses = new ArrayList<>();
        List<Taxonomy.Subclass> subclasses = new ArrayList<>();
        List<List<Path>> files = new ArrayList<>();
        for (Path superclass : folders(root)) {
            for (Path subclass : folders(superclass)) {
                subclasses.add(new Taxonomy.Subclass(subclass.getFileName().toString(), superclasses.size()));
                files.add(images(subclass));
            }
            superclasses.add(superclass.getFileName().toString());
        }
        if (subclasses.isEmpty()) {
            throw new IOException("there are no classes in " + root.toAbsolutePath()
                    + "; expected folders superclass/subclass/ with images");
        }
        return new ClassFolders(new Taxonomy(superclasses, subclasses), files);
    }

    private static List<Path> images(Path folder) throws IOException {
        List<Path> files;
        try (Stream<Path> list = Files.list(folder)) {
            files = list.filter(ClassFolders::isImage).sorted().toList();
        }
        if (files.isEmpty()) {
            throw new IOException("class folder " + folder + " has no images (.png, .jpg, .jpeg)");
        }
        return files;
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
}
