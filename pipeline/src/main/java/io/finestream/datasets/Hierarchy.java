package io.finestream.datasets;

import io.finestream.dit.Taxonomy;
import java.io.IOException;
import java.nio.charset.MalformedInputException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Superclasses from a file with a line {@code subclass,superclass} per class; a tab does for the comma. Names are matched
 * without regard to case.
 */
public final class Hierarchy {

    private final Path file;
    private final Map<String, String> superclasses = new HashMap<>();

    private final List<Taxonomy.ClassName> names = new ArrayList<>();

    private Hierarchy(Path file) {
        this.file = file;
    }

    /** @throws IOException that names the line, if one is no such pair or contradicts an earlier one */
    public static Hierarchy read(Path file) throws IOException {
        Hierarchy hierarchy = new Hierarchy(file);
        List<String> lines = lines(file);
        for (int i = 0; i < lines.size(); i++) {
            if (lines.get(i).isBlank()) {
                continue;
            }
            String line = lines.get(i);
            String[] names = line.split(line.contains("\t") ? "\t" : ",", -1);
            String where = file + ", line " + (i + 1) + ": ";
            if (names.length != 2 || names[0].isBlank() || names[1].isBlank()) {
                throw new IOException(where + "'" + line.strip() + "' is no pair, expected subclass,superclass");
            }
            hierarchy.names.add(new Taxonomy.ClassName(names[1].strip(), names[0].strip()));
            String earlier = hierarchy.superclasses.putIfAbsent(key(names[0]), names[1].strip());
            if (earlier != null && !earlier.equals(names[1].strip())) {
                throw new IOException(where + "the superclass of '" + names[0].strip() + "' is '" + names[1].strip()
                        + "', but it was '" + earlier + "' before; remove one of the lines");
            }
        }
        return hierarchy;
    }

    /**
     * The data set with the superclasses of this hierarchy.
     *
     * @throws IOException if it lacks a class
     */
    public DataSet appliedTo(DataSet data) throws IOException {
        requireAll(data.files().stream().map(LabeledFile::subclass));
        return new DataSet(
                data.root(),
                data.files().stream()
                        .map(image -> new LabeledFile(image.id(), superclassOf(image.subclass()), image.subclass()))
                        .toList());
    }

    /**
     * The classes that a file lists, in the order of a model's label rows: lines of a hierarchy, the categories of
     * iNaturalist's annotations, or the numbered classes of a list of VegFru.
     *
     * @throws IOException if it is none of them
     */
    public static List<Taxonomy.ClassName> classesIn(Path file) throws IOException {
        if (INaturalist.isAnnotations(file)) {
            return INaturalist.classes(file);
        }
        return VegFru.isList(file) ? VegFru.classes(file) : List.copyOf(read(file).names);
    }

    /**
     * The classes with the superclasses of this hierarchy.
     *
     * @throws IOException if it lacks one
     */
    public List<Taxonomy.ClassName> appliedTo(List<Taxonomy.ClassName> classes) throws IOException {
        requireAll(classes.stream().map(Taxonomy.ClassName::subclass));
        return classes.stream()
                .map(name -> new Taxonomy.ClassName(superclassOf(name.subclass()), name.subclass()))
                .toList();
    }

    private void requireAll(Stream<String> subclasses) throws IOException {
        List<String> missing = subclasses
                .distinct()
                .filter(subclass -> !superclasses.containsKey(key(subclass)))
                .toList();
        if (!missing.isEmpty()) {
            throw new IOException("%s has no line for %d of the classes, the first is '%s'; add '%s,its superclass'"
                    .formatted(file, missing.size(), missing.get(0), missing.get(0)));
        }
    }

    private String superclassOf(String subclass) {
        return superclasses.getOrDefault(key(subclass), "");
    }

    /** The lines of a text file. */
    static List<String> lines(Path file) throws IOException {
        try {
            return Files.readAllLines(file);
        } catch (MalformedInputException e) {
            throw new IOException(file + " is no text in UTF-8", e);
        }
    }

    private static String key(String name) {
        return name.strip().toLowerCase(Locale.ROOT);
    }
}
