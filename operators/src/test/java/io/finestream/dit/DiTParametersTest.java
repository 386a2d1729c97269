package io.finestream.dit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.finestream.torch.TorchOps;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DiTParametersTest {

    private static final DiTConfig CONFIG = new DiTConfig(8, 4, 3, 256, 1, 2, 6, 2, false);

    @Test
    void tieredLabelsStartAroundTheirSuperclass() {
        try (NDManager manager = TorchOps.newManager(Device.cpu())) {
            Map<String, NDArray> tables = DiTParameters.tieredLabels(manager, CONFIG, subclass -> subclass % 2, 0.5);
            NDArray fine = Objects.requireNonNull(tables.get(DiTParameters.SUBCLASS_TABLE));
            NDArray coarse = Objects.requireNonNull(tables.get(DiTParameters.SUPERCLASS_TABLE));
            assertThat(fine.getShape()).isEqualTo(new Shape(6, 256));
            assertThat(coarse.getShape()).isEqualTo(new Shape(2, 256));
            for (int subclass = 0; subclass < 6; subclass++) {
                assertThat(spread(fine.get(subclass).sub(coarse.get(subclass % 2))))
                        .isEqualTo(0.5, within(0.1));
                assertThat(spread(fine.get(subclass).sub(coarse.get(1 - subclass % 2))))
                        .isGreaterThan(0.7);
            }
        }
    }

    @Test
    void newSubclassStartsAsItsSuperclassAndNewSuperclassAsTheMean() {
        DiTConfig config = new DiTConfig(8, 4, 3, 4, 1, 2, 1, 2, true);
        Taxonomy taxonomy = new Taxonomy(
                List.of("a", "b", "c"),
                List.of(
                        new Taxonomy.Subclass("a0", 0),
                        new Taxonomy.Subclass("b1", 1),
                        new Taxonomy.Subclass("c2", 2),
                        new Taxonomy.Subclass("a3", 0)));
        try (NDManager manager = TorchOps.newManager(Device.cpu())) {
            float[][] coarse = {{1, 2, 3, 4}, {3, 2, 1, 0}, {100, 100, 100, 100}}; // the last is the null label
            Map<String, NDArray> tables = Map.of(
                    DiTParameters.SUPERCLASS_TABLE,
                    manager.create(coarse),
                    DiTParameters.SUBCLASS_TABLE,
                    manager.ones(new Shape(1, 4)));
            Map<String, NDArray> grown = DiTParameters.grow(manager, tables, config, taxonomy);
            assertThat(values(grown, DiTParameters.SUPERCLASS_TABLE))
                    .containsExactly(1, 2, 3, 4, 3, 2, 1, 0, 100, 100, 100, 100, 2, 2, 2, 2);
            assertThat(values(grown, DiTParameters.SUBCLASS_TABLE))
                    .containsExactly(1, 1, 1, 1, 3, 2, 1, 0, 2, 2, 2, 2, 1, 2, 3, 4);

            DiTConfig withC = config.withClasses(taxonomy);
            Taxonomy more = taxonomy.plus(List.of(new Taxonomy.ClassName("c", "c4")));
            Map<String, NDArray> rows = DiTParameters.newRows(manager, grown, withC, more);
            assertThat(rows).containsOnlyKeys(DiTParameters.SUBCLASS_TABLE);
            assertThat(values(rows, DiTParameters.SUBCLASS_TABLE)).containsExactly(2, 2, 2, 2);
        }
    }

    @Test
    void aTaxonomyWithFewerClassesIsRefused() {
        Taxonomy one = new Taxonomy(List.of("a"), List.of(new Taxonomy.Subclass("a0", 0)));
        try (NDManager manager = TorchOps.newManager(Device.cpu())) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> DiTParameters.newRows(manager, Map.of(), CONFIG, one))
                    .withMessageContaining("6 subclasses in 2 superclasses can not grow to 1 in 1");
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 2})
    void gammasOfBlocksThatAreNotThereAreRefused(int blocks) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> DiTParameters.gammaShapes(CONFIG, blocks))
                .withMessageContaining("blocks with gammas is " + blocks + ", expected 1 to 1");
    }

    private static float[] values(Map<String, NDArray> tables, String name) {
        return Objects.requireNonNull(tables.get(name)).toFloatArray();
    }

    private static double spread(NDArray row) {
        return Math.sqrt(row.square().mean().getFloat());
    }
}
