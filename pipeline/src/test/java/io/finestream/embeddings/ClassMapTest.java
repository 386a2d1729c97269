package io.finestream.embeddings;

import static org.assertj.core.api.Assertions.assertThat;

import io.finestream.dit.Taxonomy;
import io.finestream.weights.LabelTables;
import io.finestream.weights.ModelChoice;
import java.awt.Color;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.w3c.dom.Document;

class ClassMapTest {

    private static final int NEAREST = 5;

    private static LabelTables flowers;
    private static ClassMap map;

    @BeforeAll
    static void layOut() throws Exception {
        flowers = LabelTables.read(ModelChoice.of("flowers").locate());
        map = ClassMap.of(flowers, 1);
    }

    @Test
    void classesWhoseRowsAreNearInTheTableAreNearOnTheMap() {
        double near = 0;
        double all = 0;
        for (int i = 0; i < flowers.subclasses().length; i++) {
            int from = i;
            List<Integer> others = IntStream.range(0, flowers.subclasses().length)
                    .filter(other -> other != from)
                    .boxed()
                    .sorted(Comparator.comparingDouble(other -> rowDistance(from, other)))
                    .toList();
            IntToDoubleFunction distance = other -> mapDistance(from, other);
            near += others.stream()
                    .limit(NEAREST)
                    .mapToInt(Integer::intValue)
                    .mapToDouble(distance)
                    .average()
                    .orElseThrow();
            all += others.stream()
                    .mapToInt(Integer::intValue)
                    .mapToDouble(distance)
                    .average()
                    .orElseThrow();
        }
        assertThat(near / all).isLessThan(0.3);
    }

    @Test
    void theNearestClassOnTheMapIsOfTheSameSuperclass() {
        for (int i = 0; i < map.classes().size(); i++) {
            int from = i;
            int nearest = IntStream.range(0, map.classes().size())
                    .filter(other -> other != from)
                    .boxed()
                    .min(Comparator.comparingDouble(other -> mapDistance(from, other)))
                    .orElseThrow();
            assertThat(map.classes().get(nearest).superclass())
                    .as(map.classes().get(i).name())
                    .isEqualTo(map.classes().get(i).superclass());
        }
    }

    @Test
    void anotherSeedGivesAnotherMapAndTheSameTheSame() {
        assertThat(ClassMap.of(flowers, 1)).isEqualTo(map);
        assertThat(ClassMap.of(flowers, 2).classes()).isNotEqualTo(map.classes());
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 5, 40})
    void anyNumberOfClassesHasAMapEvenOfEqualRows(int classes) {
        float[][] rows = IntStream.range(0, classes)
                .mapToObj(i -> new float[] {i % 2 == 0 ? 0 : i, 1, 2})
                .toArray(float[][]::new);
        ClassMap small = ClassMap.of(tables(rows, "even", "odd"), 1);
        assertThat(small.classes()).hasSize(classes).allSatisfy(subclass -> {
            assertThat(subclass.place().x()).isBetween(0.0, 1.0);
            assertThat(subclass.place().y()).isBetween(0.0, 1.0);
        });
    }

    @Test
    void namesAreTextInTheSvg(@TempDir Path dir) throws Exception {
        Path file = dir.resolve("map.svg");
        MapDrawing.write(ClassMap.of(tables(new float[][] {{1, 2}, {3, 4}}, "a <b>&\u0007", "\"c\""), 1), file);
        Document svg = DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(file.toFile());
        assertThat(svg.getElementsByTagName("b").getLength()).isZero();
        assertThat(svg.getElementsByTagName("title").item(0).getTextContent()).isEqualTo("class 0 (a <b>&?)");
        assertThat(Files.readString(file)).doesNotContain("<script", "href");
    }

    @Test
    void aSuperclassWithoutARowIsInTheMiddleOfItsClasses() {
        LabelTables tables = tables(new float[][] {{1, 2}, {3, 4}, {5, 6}}, "even", "odd");
        ClassMap small = ClassMap.of(new LabelTables("m", tables.taxonomy(), tables.subclasses(), new float[0][]), 1);
        assertThat(small.superclasses().get(0).place()).isEqualTo(new ClassMap.Place(0.5, 0));
        assertThat(small.superclasses().get(1).place()).isEqualTo(new ClassMap.Place(0.5, 0));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 11, 25, 100})
    void everyColorStandsOutFromBothPages(int count) {
        assertThat(Palette.of(count)).hasSize(count).allSatisfy(color -> {
            double luminance = Palette.luminance(Color.decode(color));
            assertThat(1.05 / (luminance + 0.05)).as("%s on white", color).isGreaterThan(3);
            double dark = Palette.luminance(Color.decode("#1f1c24"));
            assertThat((luminance + 0.05) / (dark + 0.05))
                    .as("%s on dark", color)
                    .isGreaterThan(3);
        });
    }

    /** Classes by turns in two superclasses, whose rows are the first two of them. */
    private static LabelTables tables(float[][] rows, String even, String odd) {
        Taxonomy taxonomy = new Taxonomy(
                List.of(even, odd),
                IntStream.range(0, rows.length)
                        .mapToObj(i -> new Taxonomy.Subclass("class " + i, i % 2))
                        .toList());
        return new LabelTables("small", taxonomy, rows, new float[][] {rows[0], rows[rows.length - 1]});
    }

    private static double rowDistance(int a, int b) {
        double sum = 0;
        for (int k = 0; k < flowers.subclasses()[a].length; k++) {
            sum += Math.pow(flowers.subclasses()[a][k] - flowers.subclasses()[b][k], 2);
        }
        return sum;
    }

    private static double mapDistance(int a, int b) {
        ClassMap.Place from = map.classes().get(a).place();
        ClassMap.Place to = map.classes().get(b).place();
        return Math.hypot(from.x() - to.x(), from.y() - to.y());
    }
}
