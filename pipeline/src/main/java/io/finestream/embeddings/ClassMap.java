package io.finestream.embeddings;

import io.finestream.dit.Taxonomy;
import io.finestream.weights.LabelTables;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import tagbio.umap.Umap;

/**
 * Where the classes of a model lie to each other: the rows of its two label tables, laid out in the plane together by UMAP
 * (McInnes, Healy and Melville, arXiv 1802.03426). Near means alike to the network; between groups that are far apart,
 * distances mean little. The JSON form is this record's.
 *
 * @param version of the parameters, 0 for those of the model's own files
 * @param superclasses in the order of the taxonomy
 * @param classes the subclasses, likewise
 */
public record ClassMap(
        String model, long version, String method, long seed, List<Superclass> superclasses, List<Subclass> classes) {

    private static final int NEIGHBOURS = 30; // more than the 20 of a shipped family, so that families hang together
    private static final float SPREAD = 1.5f; // the largest that the library takes: a name must fit between points
    private static final float MIN_DISTANCE = 1.2f;
    private static final int FEWEST_FOR_UMAP = 4;
    private static final double PRECISION = 1e4;

    /** In [0, 1]; the longer side of the map is 1. */
    public record Place(double x, double y) {}

    /**
     * A coarse class.
     *
     * @param color {@code #rrggbb}, readable on black and on white
     * @param place of its row; the middle of its classes, if the network has no rows of superclasses; null if it has no
     *     classes either
     */
    public record Superclass(
            String name, String color, @Nullable Place place) {}

    /** A fine class; {@code superclass} is an index. */
    public record Subclass(String name, int superclass, Place place) {}

    /** Lays out the tables. The same tables and seed give the same map; a large one takes minutes, on one thread. */
    public static ClassMap of(LabelTables tables, long seed) {
        Taxonomy taxonomy = tables.taxonomy();
        int fine = tables.subclasses().length;
        float[][] rows = Arrays.copyOf(tables.subclasses(), fine + tables.superclasses().length); // [C + S, D]
        System.arraycopy(tables.superclasses(), 0, rows, fine, tables.superclasses().length);
        List<Place> places = fitted(layOut(rows, seed));
        List<Subclass> classes = IntStream.range(0, fine)
                .mapToObj(i -> new Subclass(taxonomy.subclassName(i), taxonomy.superclassOf(i), places.get(i)))
                .toList();
        List<String> colors = Palette.of(taxonomy.superclasses().size());
        List<Superclass> superclasses = IntStream.range(0, colors.size())
                .mapToObj(i -> new Superclass(
                        taxonomy.superclassName(i),
                        colors.get(i),
                        i < tables.superclasses().length ? places.get(fine + i) : middle(classes, i)))
                .toList();
        return new ClassMap(tables.model(), 0, "UMAP", seed, superclasses, classes);
    }

    private static float[][] layOut(float[][] rows, long seed) {
        if (rows.length < FEWEST_FOR_UMAP) {
            return IntStream.range(0, rows.length)
                    .mapToObj(i -> new float[] {i, 0})
                    .toArray(float[][]::new);
        }
        return new Umap()
                .setSeed(seed)
                .setThreads(1) // more would add up in another order
                .setNumberComponents(2)
                .setNumberNearestNeighbours(Math.min(NEIGHBOURS, rows.length - 1))
                .setSpread(SPREAD)
                .setMinDist(MIN_DISTANCE)
                .fitTransform(rows); // [C + S, 2]
    }

    private static List<Place> fitted(float[][] points) {
        float left = least(points, 0);
        float top = least(points, 1);
        double side = Arrays.stream(points)
                .mapToDouble(point -> Math.max(point[0] - left, point[1] - top))
                .max()
                .orElse(0);
        double scale = side > 0 ? 1 / side : 0;
        return Arrays.stream(points)
                .map(point -> new Place(rounded((point[0] - left) * scale), rounded((point[1] - top) * scale)))
                .toList();
    }

    private static float least(float[][] points, int axis) {
        float least = Float.MAX_VALUE;
        for (float[] point : points) {
            least = Math.min(least, point[axis]);
        }
        return least;
    }

    private static @Nullable Place middle(List<Subclass> classes, int superclass) {
        List<Place> own = classes.stream()
                .filter(subclass -> subclass.superclass() == superclass)
                .map(Subclass::place)
                .toList();
        return own.isEmpty()
                ? null
                : new Place(
                        rounded(own.stream().mapToDouble(Place::x).sum() / own.size()),
                        rounded(own.stream().mapToDouble(Place::y).sum() / own.size()));
    }

    private static double rounded(double value) {
        return Math.round(value * PRECISION) / PRECISION;
    }
}
