package io.finestream.embeddings;

import io.finestream.dit.Taxonomy;
import io.finestream.weights.LabelTables;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import smile.manifold.TSNE;
import tagbio.umap.Umap;

/**
 * Where the classes of a model lie to each other: the rows of its two label tables, laid out in the plane together by t-SNE
 * (van der Maaten and Hinton, JMLR 9, 2008), or if there are more than {@link #MOST_FOR_TSNE} by UMAP (McInnes, Healy and
 * Melville, arXiv 1802.03426), whose cost is not quadratic. Near means alike to the network; between groups that are far
 * apart, distances mean little. The JSON form is this record's.
 *
 * @param version of the parameters, 0 for those of the model's own files
 * @param method {@code t-SNE} or {@code UMAP}
 * @param superclasses in the order of the taxonomy
 * @param classes the subclasses, likewise
 */
public record ClassMap(
        String model, long version, String method, long seed, List<Superclass> superclasses, List<Subclass> classes) {

    /** Rows: a map of as many takes some ten seconds. */
    static final int MOST_FOR_TSNE = 1000;

    private static final String T_SNE = "t-SNE";
    private static final double PERPLEXITY = 20; // the size of a shipped family
    private static final double LEARNING_RATE = 20; // with much more so few points fly apart
    private static final int ITERATIONS = 1000;
    private static final int NEIGHBOURS = 30; // more than the 20 of a shipped family, so that families hang together
    private static final float SPREAD = 1.5f; // the largest that the library takes: a name must fit between points
    private static final float MIN_DISTANCE = 1.2f;
    private static final int FEWEST_TO_LAY_OUT = 4;
    private static final double PRECISION = 1e4;

    static {
        System.setProperty("smile.threads", "1"); // more would add up in another order
    }

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
        String method = rows.length <= MOST_FOR_TSNE ? T_SNE : "UMAP";
        List<Place> places = fitted(layOut(rows, method, seed));
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
        return new ClassMap(tables.model(), 0, method, seed, superclasses, classes);
    }

    private static double[][] layOut(float[][] rows, String method, long seed) {
        if (rows.length < FEWEST_TO_LAY_OUT) {
            return inALine(rows.length);
        }
        return method.equals(T_SNE) ? tsne(rows, seed) : umap(rows, seed);
    }

    private static double[][] inALine(int count) {
        return IntStream.range(0, count).mapToObj(i -> new double[] {i, 0}).toArray(double[][]::new);
    }

    private static double[][] tsne(float[][] rows, long seed) {
        smile.math.Math.setSeed(seed);
        double perplexity = Math.min(PERPLEXITY, (rows.length - 1) / 3.0);
        return new TSNE(squaredDistances(rows), 2, perplexity, LEARNING_RATE, ITERATIONS)
                .getCoordinates(); // [C + S, 2]
    }

    /** In units of their mean. */
    private static double[][] squaredDistances(float[][] rows) {
        double[][] distances = new double[rows.length][rows.length];
        double sum = 0;
        for (int i = 0; i < rows.length; i++) {
            for (int j = 0; j < i; j++) {
                for (int k = 0; k < rows[i].length; k++) {
                    double difference = rows[i][k] - rows[j][k];
                    distances[i][j] += difference * difference;
                }
                distances[j][i] = distances[i][j];
                sum += 2 * distances[i][j];
            }
        }
        if (sum > 0) {
            double unit = sum / rows.length / (rows.length - 1);
            Arrays.setAll(
                    distances,
                    i -> Arrays.stream(distances[i]).map(value -> value / unit).toArray());
        }
        return distances;
    }

    private static double[][] umap(float[][] rows, long seed) {
        float[][] places = new Umap()
                .setSeed(seed)
                .setThreads(1) // more would add up in another order
                .setNumberComponents(2)
                .setNumberNearestNeighbours(Math.min(NEIGHBOURS, rows.length - 1))
                .setSpread(SPREAD)
                .setMinDist(MIN_DISTANCE)
                .fitTransform(rows); // [C + S, 2]
        return IntStream.range(0, rows.length)
                .mapToObj(i -> new double[] {places[i][0], places[i][1]})
                .toArray(double[][]::new);
    }

    private static List<Place> fitted(double[][] points) {
        double left = least(points, 0);
        double top = least(points, 1);
        double side = Arrays.stream(points)
                .mapToDouble(point -> Math.max(point[0] - left, point[1] - top))
                .max()
                .orElse(0);
        double scale = side > 0 ? 1 / side : 0;
        return Arrays.stream(points)
                .map(point -> new Place(rounded((point[0] - left) * scale), rounded((point[1] - top) * scale)))
                .toList();
    }

    private static double least(double[][] points, int axis) {
        return Arrays.stream(points).mapToDouble(point -> point[axis]).min().orElse(0);
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
