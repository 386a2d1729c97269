package io.finestream.tuning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import ai.djl.ndarray.types.Shape;
import io.finestream.dit.DiTConfig;
import io.finestream.dit.DiTParameters;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Counts of DiT-XL/2 from the specification, sections 2.2 and 7. */
class TuningStrategyTest {

    private static final Map<String, Shape> INATURALIST = shapes(10_000, 11, false);
    private static final Map<String, Shape> FOOD101 = shapes(101, 0, true);

    @Test
    void fineDiffusionTunesThePublishedShareOnINaturalist() {
        Set<String> trainable = TuningStrategy.FINE_DIFFUSION.trainable(INATURALIST.keySet());
        assertThat(count(INATURALIST, trainable)).isEqualTo(12_153_632);
        assertThat(count(INATURALIST, INATURALIST.keySet())).isEqualTo(685_640_480); // pos_embed included
        assertThat(trainable).hasSize(260 + 1); // the label table is split
        assertThat(INATURALIST).hasSize(406 + 1);
    }

    @ParameterizedTest
    @CsvSource({"292, 25, 986144", "145, 12, 801824"})
    void fineDiffusionTunesThePublishedNumberOnVegFruAndPlankton(int subclasses, int superclasses, long expected) {
        Map<String, Shape> shapes = shapes(subclasses, superclasses, false);
        assertThat(count(shapes, TuningStrategy.FINE_DIFFUSION.trainable(shapes.keySet())))
                .isEqualTo(expected);
    }

    @Test
    void fullTunesEverythingButThePositions() {
        Set<String> expected = new TreeSet<>(INATURALIST.keySet());
        expected.remove("pos_embed");
        assertThat(TuningStrategy.FULL.trainable(INATURALIST.keySet())).containsExactlyInAnyOrderElementsOf(expected);
    }

    @Test
    void bitFitTunesThePublishedNumberAndNoNorm() {
        Set<String> trainable = TuningStrategy.BIT_FIT.trainable(FOOD101.keySet());
        assertThat(count(FOOD101, trainable)).isEqualTo(607_136);
        assertThat(trainable).noneMatch(name -> name.contains("norm"));
    }

    @ParameterizedTest
    @CsvSource({"4, 747680", "14, 770720", "21, 786848", "25, 796064", "28, 802976"})
    void diffFitTunesThePublishedNumberForItsBlocks(int blocks, long expected) {
        DiTConfig config = DiTConfig.published("XL/2", 256, 101, 0, true);
        Map<String, Shape> shapes = new LinkedHashMap<>(FOOD101);
        shapes.putAll(DiTParameters.gammaShapes(config, blocks));
        assertThat(expected).isEqualTo(738_464 + 2_304L * blocks);
        assertThat(count(shapes, TuningStrategy.DIFF_FIT.trainable(shapes.keySet())))
                .isEqualTo(expected);
    }

    @Test
    void gammasAreTunedByDiffFitAndByFullOnly() {
        Set<String> names = new TreeSet<>(FOOD101.keySet());
        names.add("blocks.3.gamma2");
        for (TuningStrategy strategy : TuningStrategy.values()) {
            assertThat(strategy.trainable(names).contains("blocks.3.gamma2"))
                    .as("%s", strategy)
                    .isEqualTo(strategy == TuningStrategy.DIFF_FIT || strategy == TuningStrategy.FULL);
        }
    }

    @Test
    void diffFitIsRefusedForANetworkWithoutGammas() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> TuningStrategy.DIFF_FIT.trainable(FOOD101.keySet()))
                .withMessageContaining("strategy diff-fit tunes gammas, but none of the network's 407 parameters");
    }

    @ParameterizedTest
    @ValueSource(strings = {"subclass table", "superclass table", "biases", "norms"})
    void everyRuleMustMatch(String rule) {
        Set<String> names = new TreeSet<>(INATURALIST.keySet());
        names.removeIf(name -> switch (rule) {
            case "subclass table" -> name.equals(DiTParameters.SUBCLASS_TABLE);
            case "superclass table" -> name.equals(DiTParameters.SUPERCLASS_TABLE);
            case "biases" -> name.endsWith(".bias") && !name.contains("norm");
            default -> name.contains("norm");
        });
        assertThatIllegalArgumentException()
                .isThrownBy(() -> TuningStrategy.FINE_DIFFUSION.trainable(names))
                .withMessageContaining("strategy fine-diffusion tunes " + rule + ", but none");
    }

    @ParameterizedTest
    @EnumSource
    void noStrategyTunesThePositions(TuningStrategy strategy) {
        Set<String> names = new TreeSet<>(INATURALIST.keySet());
        names.add("blocks.0.gamma1");
        assertThat(strategy.trainable(names)).doesNotContain("pos_embed").isSubsetOf(names);
    }

    private static Map<String, Shape> shapes(int subclasses, int superclasses, boolean nullLabel) {
        return DiTParameters.shapes(DiTConfig.published("XL/2", 256, subclasses, superclasses, nullLabel));
    }

    private static long count(Map<String, Shape> shapes, Set<String> which) {
        return shapes.entrySet().stream()
                .filter(parameter -> which.contains(parameter.getKey()))
                .mapToLong(parameter -> parameter.getValue().size())
                .sum();
    }
}
