package io.finestream.dit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.types.Shape;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Numbers from the specification, sections 1.3, 2.2 and appendices A and C. */
class DiTConfigTest {

    private static final Map<String, Shape> INATURALIST =
            DiTParameters.shapes(DiTConfig.published("XL/2", 256, 10_000, 11, false));

    @ParameterizedTest
    @CsvSource({
        "S/8, 33148160",
        "S/4, 32945024",
        "S/2, 32963360",
        "B/8, 130881536",
        "B/4, 130475648",
        "B/2, 130512416",
        "L/8, 458594816",
        "L/4, 458053760",
        "L/2, 458102816",
        "XL/8, 675683072",
        "XL/4, 675074432",
        "XL/2, 675129632"
    })
    void plainDiTHasThePublishedNumberOfParameters(String name, long expected) {
        Map<String, Shape> shapes = DiTParameters.shapes(DiTConfig.published(name, 256, 1000, 0, true));
        assertThat(count(shapes, parameter -> !isNorm(parameter))).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource({
        "S/8, 256, 0.36",
        "S/4, 256, 1.41",
        "S/2, 256, 6.06",
        "B/2, 256, 23.01",
        "L/2, 256, 80.71",
        "XL/8, 256, 7.39",
        "XL/4, 256, 29.05",
        "XL/2, 256, 118.64",
        "XL/2, 512, 524.60"
    })
    void aPassTakesThePublishedGflops(String name, int imageSize, double gflops) {
        DiTConfig config = DiTConfig.published(name, imageSize, 1000, 0, true);
        assertThat(config.multiplyAdds() / 1e9).isCloseTo(gflops, within(0.005 + 0.0005 * gflops));
    }

    @Test
    void fineDiffusionOnINaturalistHasThePublishedNumberOfParameters() {
        assertThat(count(INATURALIST, parameter -> true)).isEqualTo(685_640_480);
        assertThat(count(DiTParameters.shapes(DiTConfig.published("XL/2", 512, 10_000, 11, false)), parameter -> true))
                .isEqualTo(686_525_216);
    }

    @Test
    void tensorsAreThoseOfTheReferenceButForTheSplitLabelTable() {
        assertThat(INATURALIST).hasSize(406 + 1);
        assertThat(INATURALIST.keySet().stream().filter(parameter -> !isNorm(parameter)))
                .hasSize(292 + 1);
        assertThat(INATURALIST)
                .containsEntry("pos_embed", new Shape(1, 256, 1152))
                .containsEntry("x_embedder.proj.weight", new Shape(1152, 4, 2, 2))
                .containsEntry("t_embedder.mlp.0.weight", new Shape(1152, 256))
                .containsEntry(DiTParameters.SUBCLASS_TABLE, new Shape(10_000, 1152))
                .containsEntry(DiTParameters.SUPERCLASS_TABLE, new Shape(11, 1152))
                .containsEntry("blocks.27.norm2.bias", new Shape(1152))
                .containsEntry("blocks.27.attn.qkv.weight", new Shape(3456, 1152))
                .containsEntry("blocks.27.attn.proj.weight", new Shape(1152, 1152))
                .containsEntry("blocks.27.mlp.fc1.weight", new Shape(4608, 1152))
                .containsEntry("blocks.27.mlp.fc2.weight", new Shape(1152, 4608))
                .containsEntry("blocks.27.adaLN_modulation.1.weight", new Shape(6912, 1152))
                .containsEntry("final_layer.linear.weight", new Shape(32, 1152))
                .containsEntry("final_layer.adaLN_modulation.1.bias", new Shape(2304))
                .doesNotContainKey("blocks.28.norm1.weight");
    }

    @Test
    void positionsAreThoseOfTheReference() {
        int d = 1152;
        float[] pos = DiTParameters.positions(DiTConfig.published("XL/2", 256, 1000, 0, true));
        assertThat(at(pos, d, 0, 288, 576, 864))
                .containsExactly(new float[] {0.841471f, 0.540302f, 0, 1}, within(1e-6f));
        assertThat(at(pos, 16 * d, 0, 288, 576, 864))
                .containsExactly(new float[] {0, 1, 0.841471f, 0.540302f}, within(1e-6f));
        double sum = 0;
        for (float p : pos) {
            sum += p;
        }
        assertThat(sum).isEqualTo(134598.9478, within(0.01));
    }

    @ParameterizedTest
    @CsvSource({
        "1, 0.540302, 0.597375, 0.999950, 1.000000, 0.841471, 0.801962, 0.010000, 0.000107, 138.00299",
        "500, -0.883849, 0.945943, 0.283662, 0.998557, -0.467772, 0.324334, -0.958924, 0.053705, 57.54702",
        "999, 0.999650, 0.963782, -0.844470, 0.994243, -0.026461, -0.266690, -0.535603, 0.107147, 52.50449"
    })
    void timestepFeaturesAreThoseOfTheReference(
            int t,
            float f0,
            float f1,
            float f64,
            float f127,
            float f128,
            float f129,
            float f192,
            float f255,
            double expectedSum) {
        float[] features = TimestepEmbedder.features(t, 128);
        assertThat(at(features, 0, 0, 1, 64, 127, 128, 129, 192, 255))
                .containsExactly(new float[] {f0, f1, f64, f127, f128, f129, f192, f255}, within(1e-6f));
        double sum = 0;
        for (float f : features) {
            sum += f;
        }
        assertThat(sum).isEqualTo(expectedSum, within(1e-4));
    }

    @Test
    void superclassesThatCameLaterStandBehindTheNullLabel() {
        DiTConfig grown = new DiTConfig(8, 2, 4, 48, 2, 4, 12, 3, true).withClasses(taxonomy(13, 5));
        assertThat(grown).isEqualTo(new DiTConfig(8, 2, 4, 48, 2, 4, 13, 5, true, 2, false));
        assertThat(grown.nullRow()).isEqualTo(3);
        assertThat(grown.coarseRows()).isEqualTo(6);
        assertThat(IntStream.range(0, 5).map(grown::superclassRow)).containsExactly(0, 1, 2, 4, 5);
        assertThat(grown.withClasses(taxonomy(13, 6)).nullRow()).isEqualTo(3);
    }

    @Test
    void withoutANullLabelTheRowOfASuperclassIsItsIndex() {
        DiTConfig grown = new DiTConfig(8, 2, 4, 48, 2, 4, 12, 3, false).withClasses(taxonomy(13, 5));
        assertThat(grown).isEqualTo(new DiTConfig(8, 2, 4, 48, 2, 4, 13, 5, false));
        assertThat(IntStream.range(0, 5).map(grown::superclassRow)).containsExactly(0, 1, 2, 3, 4);
    }

    @ParameterizedTest
    @CsvSource({"true, 4", "true, -1", "false, 1"})
    void aNumberOfAddedSuperclassesThatCanNotBeIsRefused(boolean nullLabel, int added) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new DiTConfig(8, 2, 4, 48, 2, 4, 12, 3, nullLabel, added, false))
                .withMessageContaining("added superclasses is " + added);
    }

    @ParameterizedTest
    @CsvSource({
        "31, 2, 4, 48, 2, 4, 12, 3, input size is 31",
        "1, 2, 4, 48, 2, 4, 12, 3, input size is 1",
        "8, 0, 4, 48, 2, 4, 12, 3, patch size is 0",
        "8, 2, 0, 48, 2, 4, 12, 3, input channels is 0",
        "8, 2, 4, 50, 2, 5, 12, 3, hidden size is 50",
        "8, 2, 4, 48, 2, 5, 12, 3, hidden size is 48",
        "8, 2, 4, 48, 0, 4, 12, 3, depth is 0",
        "8, 2, 4, 48, 2, 0, 12, 3, heads is 0",
        "8, 2, 4, 48, 2, 4, 0, 3, subclasses is 0",
        "8, 2, 4, 48, 2, 4, 12, -1, superclasses is -1"
    })
    void badConfigurationIsRefusedWithItsValue(
            int inputSize,
            int patchSize,
            int inChannels,
            int hiddenSize,
            int depth,
            int heads,
            int subclasses,
            int superclasses,
            String complaint) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new DiTConfig(
                        inputSize, patchSize, inChannels, hiddenSize, depth, heads, subclasses, superclasses, false))
                .withMessageContaining(complaint)
                .withMessageContaining("expected");
    }

    @ParameterizedTest
    @CsvSource({"XXL/2", "XL/3", "XL", "XL/2/2", "xl/2"})
    void unknownPublishedSizeIsRefusedWithTheKnownOnes(String name) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> DiTConfig.published(name, 256, 1000, 0, true))
                .withMessageContaining("'" + name + "'")
                .withMessageContaining("S, B, L or XL");
    }

    private static Taxonomy taxonomy(int subclasses, int superclasses) {
        return new Taxonomy(
                IntStream.range(0, superclasses)
                        .mapToObj(i -> "superclass " + i)
                        .toList(),
                IntStream.range(0, subclasses)
                        .mapToObj(i -> new Taxonomy.Subclass("class " + i, i % superclasses))
                        .toList());
    }

    private static float[] at(float[] values, int offset, int... indices) {
        float[] picked = new float[indices.length];
        for (int i = 0; i < indices.length; i++) {
            picked[i] = values[offset + indices[i]];
        }
        return picked;
    }

    private static long count(Map<String, Shape> shapes, Predicate<String> which) {
        return shapes.entrySet().stream()
                .filter(parameter -> which.test(parameter.getKey()))
                .mapToLong(parameter -> parameter.getValue().size())
                .sum();
    }

    private static boolean isNorm(String parameter) {
        return parameter.contains("norm");
    }
}
