package io.finestream.datasets;

import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * Labeled image files, in the order in which they are to be taken.
 *
 * @param root folder that their ids start from
 */
public record DataSet(Path root, List<LabeledFile> files) {

    public DataSet {
        root = root.toAbsolutePath().normalize();
        files = List.copyOf(files);
    }

    /**
     * Where an image of this data set is.
     *
     * @throws IOException if its id leads out of the data set, as one of a list from elsewhere could, or is no path
     */
    public Path path(LabeledFile file) throws IOException {
        Path path;
        try {
            path = root.resolve(file.id()).normalize();
        } catch (InvalidPathException e) {
            throw new IOException("it is no path: " + e.getReason(), e);
        }
        if (!path.startsWith(root)) {
            throw new IOException("it leads out of " + root);
        }
        return path;
    }

    /** The first image of every class, then the second one of every class, and so on: no class waits for another. */
    public DataSet inRounds() {
        Map<String, Integer> seen = new HashMap<>();
        List<List<LabeledFile>> rounds = new ArrayList<>();
        for (LabeledFile file : files) {
            int round = seen.merge(file.subclass(), 1, Integer::sum) - 1;
            if (round == rounds.size()) {
                rounds.add(new ArrayList<>());
            }
            rounds.get(round).add(file);
        }
        return new DataSet(root, rounds.stream().flatMap(List::stream).toList());
    }

    /** The same files in an order that {@code seed} decides. */
    public DataSet shuffled(long seed) {
        List<LabeledFile> shuffled = new ArrayList<>(files);
        Collections.shuffle(shuffled, new Random(seed));
        return new DataSet(root, shuffled);
    }

    /** The first {@code most} images of every class. */
    public DataSet atMostPerClass(int most) {
        Map<String, Integer> seen = new HashMap<>();
        return new DataSet(
                root,
                files.stream()
                        .filter(file -> seen.merge(file.subclass(), 1, Integer::sum) <= most)
                        .toList());
    }
}
