package io.finestream.weights;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.finestream.dit.DiTConfig;
import io.finestream.dit.DiTParameters;
import io.finestream.dit.Taxonomy;
import io.finestream.torch.TorchOps;
import java.io.IOException;
import java.util.Arrays;

/**
 * What a model has learned about its classes: the rows of its label tables, without the null label's.
 *
 * @param model its name
 * @param subclasses [C, D], in the order of the taxonomy
 * @param superclasses [S, D], likewise; empty for a network that has no rows of superclasses
 */
public record LabelTables(String model, Taxonomy taxonomy, float[][] subclasses, float[][] superclasses) {

    /**
     * Reads the two tables alone, with an adapter's rows where there is one.
     *
     * @throws WeightsException if the files do not fit each other
     */
    public static LabelTables read(ModelFiles files) throws IOException {
        try (NDManager m = TorchOps.newManager(Device.cpu())) {
            TorchOps ops = TorchOps.load(m);
            GenerativeModel.Parts parts = GenerativeModel.Parts.of(ops, m, files);
            DiTConfig dit = parts.config().dit();
            float[][] coarse = rows(parts.read(ops, m, DiTParameters.SUPERCLASS_TABLE));
            float[][] superclasses = new float[dit.superclasses()][];
            Arrays.setAll(superclasses, superclass -> coarse[dit.superclassRow(superclass)]);
            return new LabelTables(
                    parts.config().name(),
                    parts.taxonomy(),
                    rows(parts.read(ops, m, DiTParameters.SUBCLASS_TABLE)),
                    superclasses);
        }
    }

    private static float[][] rows(NDArray table) {
        float[] flat = table.toFloatArray(); // [N, D]
        int width = (int) table.getShape().get(1);
        float[][] rows = new float[flat.length / width][];
        Arrays.setAll(rows, row -> Arrays.copyOfRange(flat, row * width, (row + 1) * width));
        return rows;
    }
}
