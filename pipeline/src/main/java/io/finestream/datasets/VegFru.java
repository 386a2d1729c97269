package io.finestream.datasets;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
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
    private static final Pattern LINE = Pattern.compile("(?<path>(?:(?<tree>[^/]+)/)?(?<subclass>[^/]+)/[^/]+)\\s\\d+");

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
