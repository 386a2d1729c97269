package io.finestream.tuning;

import static io.finestream.Golden.assertClose;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.finestream.Golden;
import io.finestream.diffusion.LossCoefficients;
import io.finestream.diffusion.NoiseSchedule;
import io.finestream.diffusion.PredictionType;
import io.finestream.dit.ComputeType;
import io.finestream.dit.DiTParameters;
import io.finestream.dit.Label;
import io.finestream.dit.TrainingPass;
import io.finestream.torch.TorchOps;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class TrainerGoldenTest {

    private static final String FILE = "finetune.safetensors";
    private static final double LEARNING_RATE = 1e-3;
    private static final Golden GOLDEN = new Golden();

    @BeforeAll
    static void recordGradients() {
        TorchOps.recordGradients(true);
    }

    @AfterAll
    static void close() {
        TorchOps.recordGradients(false);
        GOLDEN.close();
    }

    @Test
    void lossesAndGradientsOfTheFirstStepEqualTheReference() throws IOException {
        try (AdamW optimizer = optimizer();
                NDManager m = GOLDEN.manager.newSubManager()) {
            DiffusionLoss loss = trainer(optimizer).loss();
            TrainingPass pass = new TrainingPass(loss.dit());
            NDArray losses = loss.perRow(m, batch(0), pass::forward);
            assertClose("mse", losses.get(0), GOLDEN.tensor(FILE, "step0.mse"), 1e-5);
            assertClose("variational bound", losses.get(1), GOLDEN.tensor(FILE, "step0.vb"), 1e-4);
            Map<String, NDArray> ofBlocks = pass.backward(m, losses.sum().div(batch(0).t().length));
            List<NDArray> gradients = optimizer.gradients(m, ofBlocks);
            int i = 0;
            for (String name : trained(optimizer.parameters())) {
                compareWithTable(name, gradients.get(i++), "step0.grad.");
            }
        }
    }

    @Test
    void parametersAndAverageAfterThreeStepsEqualTheReference() throws IOException {
        try (AdamW optimizer = optimizer()) {
            Trainer trainer = trainer(optimizer);
            for (int step = 0; step < 3; step++) {
                trainer.step(GOLDEN.manager, batch(step), LEARNING_RATE);
            }
            for (String name : trained(optimizer.parameters())) {
                compareWithTable(name, optimizer.parameters().get(name), "after3.");
            }
        }
    }

    /** The reference keeps both label tables in one tensor. */
    private static void compareWithTable(String name, NDArray actual, String prefix) throws IOException {
        if (!name.startsWith("y_embedder.")) {
            assertClose(prefix + name, actual, GOLDEN.tensor(FILE, prefix + name), 1e-4);
            return;
        }
        NDArray table = GOLDEN.tensor(FILE, prefix + DiTParameters.REFERENCE_TABLE);
        int c = Golden.CONFIG.subclasses();
        NDArray expected = table.get(name.equals(DiTParameters.SUBCLASS_TABLE) ? "0:" + c : c + ":");
        assertClose(prefix + name, actual, expected, 1e-4);
    }

    private static List<String> trained(Map<String, NDArray> parameters) {
        return parameters.keySet().stream()
                .filter(TrainerGoldenTest::isFineDiffusion)
                .toList();
    }

    private static boolean isFineDiffusion(String name) {
        return name.startsWith("y_embedder.") || name.endsWith(".bias") || name.contains("norm");
    }

    private static AdamW optimizer() throws IOException {
        return new AdamW(
                GOLDEN.ops,
                GOLDEN.manager,
                GOLDEN.weights(),
                TrainerGoldenTest::isFineDiffusion,
                AdamW.Options.REFERENCE);
    }

    private static Trainer trainer(AdamW optimizer) {
        return new Trainer(
                GOLDEN.ops,
                Golden.CONFIG,
                new LossCoefficients(NoiseSchedule.DIT, PredictionType.EPSILON),
                ComputeType.FP32,
                optimizer);
    }

    private static TrainingBatch batch(int step) throws IOException {
        String prefix = "step" + step + ".";
        int c = Golden.CONFIG.subclasses();
        List<Label> labels = new ArrayList<>();
        Arrays.stream(GOLDEN.ints(FILE, prefix + "labels_after_drop"))
                .forEach(y -> labels.add(y < c ? Label.subclass(y) : Label.superclass(y - c)));
        return new TrainingBatch(
                GOLDEN.tensor(FILE, prefix + "x0").toFloatArray(),
                GOLDEN.tensor(FILE, prefix + "noise").toFloatArray(),
                GOLDEN.ints(FILE, prefix + "t"),
                labels);
    }
}
