package io.finestream.tuning;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;
import io.finestream.Golden;
import io.finestream.dit.ComputeType;
import io.finestream.dit.Taxonomy;
import io.finestream.metrics.ClassifierConfig;
import io.finestream.metrics.ClassifierParameters;
import io.finestream.metrics.ImageClassifier;
import io.finestream.torch.TorchOps;
import java.util.List;
import java.util.Map;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ClassifierTrainerTest {

    private static final Golden GOLDEN = new Golden();
    private static final int SIDE = 16;
    private static final ClassifierConfig CONFIG = new ClassifierConfig(SIDE, List.of(8, 16), List.of(1, 1), 4, 2, 2);

    @BeforeAll
    static void recordGradients() {
        TorchOps.prepareThread(1, true);
    }

    @AfterAll
    static void close() {
        TorchOps.recordGradients(false);
        GOLDEN.close();
    }

    @ParameterizedTest
    @EnumSource
    void lossFallsOnASmallProblemWhateverTheBackgrounds(ComputeType type) {
        CutOutSampler sampler = new CutOutSampler(redAndGreen(), 16, 1);
        GOLDEN.manager.getEngine().setRandomSeed(1);
        Map<String, NDArray> fresh = ClassifierParameters.initialise(GOLDEN.manager, CONFIG);
        try (AdamW optimizer = new AdamW(GOLDEN.ops, GOLDEN.manager, fresh, name -> true, AdamW.Options.REFERENCE)) {
            ClassifierTrainer trainer = new ClassifierTrainer(GOLDEN.ops, CONFIG, type, optimizer);
            ClassifierTrainer.StepResult first = trainer.step(GOLDEN.manager, sampler.batch(0), 1e-2);
            ClassifierTrainer.StepResult last = first;
            for (int step = 1; step < 60; step++) {
                last = trainer.step(GOLDEN.manager, sampler.batch(step), 1e-2);
            }
            assertThat(last.loss()).isLessThan(0.75 * first.loss()); // label smoothing keeps it above 0.4
            assertThat(last.accuracy()).isGreaterThan(0.9);
            assertThat(optimizer.stepsDone()).isEqualTo(60);
            assertThat(subclassOf(optimizer, 0)).isZero();
            assertThat(subclassOf(optimizer, 1)).isOne();
        }
    }

    @Test
    void theLossIsTheSmoothedCrossEntropy() {
        NDArray logits = GOLDEN.manager.create(new float[] {2, 0, 0, 1, 1, 1}, new Shape(2, 3));
        NDArray labels = GOLDEN.manager.create(new long[] {0, 2});
        double sum = Math.log(Math.exp(2) + 2);
        double first = 0.9 * (sum - 2) + 0.1 * (sum - 2.0 / 3);
        assertThat((double) GOLDEN.ops
                        .crossEntropy(GOLDEN.manager, logits, labels, GOLDEN.manager.create(0.1))
                        .getFloat())
                .isCloseTo((first + Math.log(3)) / 2, Offset.offset(1e-6));
    }

    /** What the network takes a thing on grey for. */
    private static int subclassOf(AdamW optimizer, int plane) {
        float[] planes = new float[3 * SIDE * SIDE];
        byte[] cutOut = square(plane);
        for (int i = 0; i < planes.length; i++) {
            boolean thing = cutOut[3 * SIDE * SIDE + i % (SIDE * SIDE)] != 0;
            planes[i] = thing ? (cutOut[i] != 0 ? 1 : -1) : 0;
        }
        TorchOps.recordGradients(false);
        NDArray images = GOLDEN.manager.create(planes, new Shape(1, 3, SIDE, SIDE));
        int subclass = new ImageClassifier(GOLDEN.ops, CONFIG, optimizer.parameters())
                .predict(images)
                .get(0)
                .subclass();
        TorchOps.recordGradients(true);
        return subclass;
    }

    private static CutOuts redAndGreen() {
        Taxonomy taxonomy = new Taxonomy(
                List.of("warm", "cold"), List.of(new Taxonomy.Subclass("red", 0), new Taxonomy.Subclass("green", 1)));
        return new CutOuts(taxonomy, SIDE, List.of(List.of(square(0)), List.of(square(1))));
    }

    /** A square of 8 pixels in the middle. */
    private static byte[] square(int plane) {
        byte[] planes = new byte[4 * SIDE * SIDE];
        for (int y = 4; y < 12; y++) {
            for (int x = 4; x < 12; x++) {
                planes[plane * SIDE * SIDE + y * SIDE + x] = (byte) 255;
                planes[3 * SIDE * SIDE + y * SIDE + x] = (byte) 255;
            }
        }
        return planes;
    }
}
