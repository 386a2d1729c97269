package io.finestream.datasets;

import io.finestream.dit.Taxonomy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The lists of VegFru: a line {@code veg200_images/amaranth/v_01_01_0001.jpg 0} per image, its path and the number of its
 * class. The subclass is the name of the image's folder. The data set numbers its 25 upper classes and does not name
 * them, so the superclass is the tree's, vegetables or fruit, unless a {@link Hierarchy} says more.
 */
final class VegFru {

    private static final Map<String, String> TREES = Map.of("veg200_images", "vegetables", "fru92_images", "fruit");
    private static final String TRAINING_LIST = "vegfru_train.txt";
    private static final Pattern LINE =
            Pattern.compile("(?<path>(?:(?<tree>[^/]+)/)?(?<subclass>[^/]+)/[^/]+)\\s(?<number>\\d+)");

    private VegFru() {}

    /** Whether one of the two trees lies in the folder. */
    static boolean isIn(Path directory) {
        return TREES.keySet().stream().anyMatch(tree -> Files.isDirectory(directory.resolve(tree)));
    }

    /** @throws IOException if there is none */
    static Path trainingListIn(Path directory) throws IOException {
        Layout.requireFolder(directory);
        for (Path list :
                List.of(directory.resolve("vegfru_list").resolve(TRAINING_LIST), directory.resolve(TRAINING_LIST))) {
            if (Files.exists(list)) {
                return list;
            }
        }
        throw new IOException(directory.toAbsolutePath() + " has no vegfru_list/" + TRAINING_LIST
                + "; give a list of VegFru with --annotations");
    }

    /** Whether the first line is of such a list. */
    static boolean isList(Path file) throws IOException {
        List<String> lines = Hierarchy.lines(file);
        return !lines.isEmpty() && LINE.matcher(lines.get(0).strip()).matches();
    }

    /**
     * The classes in the order of their numbers, each in its tree, vegetables or fruit.
     *
     * @throws IOException if the numbers are not 0, 1, 2 and so on, or one has two names
     */
    static List<Taxonomy.ClassName> classes(Path list) throws IOException {
        SortedMap<Integer, Taxonomy.ClassName> byNumber = new TreeMap<>();
        for (String line : Hierarchy.lines(list)) {
            Matcher matcher = LINE.matcher(line.strip());
            if (!matcher.matches()) {
                continue;
            }
            String tree = String.valueOf(matcher.group("tree"));
            Taxonomy.ClassName name = new Taxonomy.ClassName(TREES.getOrDefault(tree, tree), matcher.group("subclass"));
            Taxonomy.ClassName earlier = byNumber.put(Integer.parseInt(matcher.group("number")), name);
            if (earlier != null && !earlier.equals(name)) {
                throw new IOException(list + " has two classes of the number " + matcher.group("number") + ": "
                        + earlier.subclass() + " and " + name.subclass());
            }
        }
        if (byNumber.isEmpty() || byNumber.lastKey() != byNumber.size() - 1) {
            throw new IOException(list + " has " + byNumber.size() + " classes, expected their numbers to be 0 to "
                    + (byNumber.size() - 1) + "; give the list of all classes, as " + TRAINING_LIST);
        }
        return List.copyOf(byNumber.values());
    }

    /**
     * @param directory that the paths start from
     * @throws IOException that names the line, if one is no image's
     */
    static DataSet read(Path directory, Path list) throws IOException {
        Layout.requireFolder(directory);
        String here = String.valueOf(directory.toAbsolutePath().normalize().getFileName());
        List<LabeledFile> files = new ArrayList<>();
        List<String> lines = Hierarchy.lines(list);
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i).strip();
            if (line.isEmpty()) {
                continue;
            }
            Matcher matcher = LINE.matcher(line);
            if (!matcher.matches()) {
                throw new IOException("%s, line %d: '%s' is no image of VegFru, expected a path and a number, as %s"
                        .formatted(list, i + 1, line, "veg200_images/amaranth/v_01_01_0001.jpg 0"));
            }
            String tree = matcher.group("tree") != null ? matcher.group("tree") : here;
            files.add(
                    new LabeledFile(matcher.group("path"), TREES.getOrDefault(tree, tree), matcher.group("subclass")));
        }
        if (files.isEmpty()) {
            throw new IOException(list + " is empty, expected a line per image");
        }
        return new DataSet(directory, files);
    }
}
