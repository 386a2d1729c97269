package io.finestream.diffusion;

import static io.finestream.Golden.assertClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import io.finestream.Golden;
import io.finestream.dit.ComputeType;
import io.finestream.dit.DiTConfig;
import io.finestream.dit.Label;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class GuidanceTest {

    private static final String FILE = "forward.safetensors";
    private static final Golden GOLDEN = new Golden();
    private static final DiTConfig WITH_NULL_LABEL = new DiTConfig(8, 2, 4, 48, 2, 4, 12, 3, true);
    private static final DiTConfig PLAIN = new DiTConfig(8, 2, 4, 48, 2, 4, 12, 0, true);

    @AfterAll
    static void close() {
        GOLDEN.close();
    }

    @Test
    void guidedPredictionAtOneTimestepEqualsTheReference() throws IOException {
        assertClose("scale 4", predict(4, 3, "cfg_t"), GOLDEN.tensor(FILE, "cfg_scale_4_out"), 1e-5);
    }

    @Test
    void guidedPredictionWithATimestepPerRowEqualsTheReference() throws IOException {
        assertClose("scale 2.5", predict(2.5, 3, "mixed_t"), GOLDEN.tensor(FILE, "mixed_scale_2_5_out"), 1e-5);
    }

    @Test
    void guidanceScaleOneEqualsTheConditionalPrediction() throws IOException {
        assertThat(predict(1, 4, "mixed_t").toFloatArray())
                .isEqualTo(conditional().toFloatArray());
        assertThat(Guidance.fineGrained(1, 4).usesCoarse(500)).isFalse();
    }

    @Test
    void guidanceScaleZeroGivesTheSuperclassPredictionOnGuidedChannels() throws IOException {
        assertClose("scale 0", channels(predict(0, 3, "mixed_t"), 0, 3), channels(superclass(), 0, 3), 1e-6);
        assertThat(channels(superclass(), 0, 3)).isNotEqualTo(channels(conditional(), 0, 3));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4})
    void channelsBeyondTheGuidedOnesEqualTheConditionalPrediction(int guidedChannels) throws IOException {
        NDArray guided = predict(4, guidedChannels, "mixed_t");
        assertThat(channels(guided, guidedChannels, 8)).isEqualTo(channels(conditional(), guidedChannels, 8));
        assertThat(channels(guided, 0, guidedChannels)).isNotEqualTo(channels(conditional(), 0, guidedChannels));
    }

    @ParameterizedTest
    @CsvSource({"199, 1", "200, 2", "500, 2", "800, 2", "801, 1"})
    void aSampleTakesTwoRowsOnlyInsideTheInterval(int t, int rows) {
        assertThat(new Guidance(Guidance.Mode.FINE_GRAINED, 4, 200, 800, 3).rows(t))
                .isEqualTo(rows);
        assertThat(Guidance.NONE.rows(t)).isEqualTo(1);
    }

    @Test
    void theCoarseLabelIsTheSuperclassOrTheNullLabel() {
        assertThat(Guidance.fineGrained(4, 3).coarseLabel(WITH_NULL_LABEL, 1)).isEqualTo(Label.superclass(1));
        assertThat(classifierFree(4).coarseLabel(WITH_NULL_LABEL, 1)).isEqualTo(Label.superclass(3));
        assertThat(classifierFree(4).coarseLabel(PLAIN, 0)).isEqualTo(Label.superclass(0));
    }

    @Test
    void classifierFreeGuidanceNeedsANullLabel() {
        assertThatCode(() -> classifierFree(4).requireSupportedBy(WITH_NULL_LABEL))
                .doesNotThrowAnyException();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> classifierFree(4).requireSupportedBy(Golden.CONFIG))
                .withMessageContaining("no null label")
                .withMessageContaining("use fine-grained");
    }

    @Test
    void fineGrainedGuidanceNeedsSuperclasses() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Guidance.fineGrained(4, 3).requireSupportedBy(PLAIN))
                .withMessageContaining("no superclasses");
    }

    @Test
    void moreGuidedChannelsThanTheLatentHasAreRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Guidance.fineGrained(4, 5).requireSupportedBy(Golden.CONFIG))
                .withMessageContaining("guided channels is 5")
                .withMessageContaining("4 channels");
    }

    @ParameterizedTest
    @CsvSource({
        "NaN, 0, 999, 3, guidance scale is NaN",
        "101, 0, 999, 3, guidance scale is 101.0",
        "4, -1, 999, 3, guidance interval is -1 to 999",
        "4, 0, 1000, 3, guidance interval is 0 to 1000",
        "4, 600, 500, 3, guidance interval is 600 to 500",
        "4, 0, 999, 0, guided channels is 0"
    })
    void badGuidanceIsRefusedWithItsValue(double scale, int low, int high, int channels, String complaint) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Guidance(Guidance.Mode.FINE_GRAINED, scale, low, high, channels))
                .withMessageContaining(complaint)
                .withMessageContaining("expected");
    }

    private static Guidance classifierFree(double scale) {
        return new Guidance(Guidance.Mode.CLASSIFIER_FREE, scale, 0, 999, 3);
    }

    /** Fine rows, then coarse rows, as {@link DenoiseBatch} lays them out. [4, 2C, H, W] */
    private static NDArray predict(double scale, int guidedChannels, String timesteps) throws IOException {
        NDManager m = GOLDEN.manager;
        Guidance guidance = Guidance.fineGrained(scale, guidedChannels);
        float[] scales = new float[4 * 4];
        Arrays.fill(scales, 1);
        for (int i = 0; i < 4; i++) {
            Arrays.fill(scales, 4 * i, 4 * i + guidance.channels(), (float) guidance.scale());
        }
        return GOLDEN.ops.guide(
                m,
                bothHalves(timesteps),
                m.create(new long[] {0, 1, 2, 3}),
                m.create(new long[] {4, 5, 6, 7}),
                m.create(scales, new Shape(4, 4)));
    }

    private static NDArray conditional() throws IOException {
        return bothHalves("mixed_t").get(new NDIndex("0:4"));
    }

    private static NDArray superclass() throws IOException {
        return bothHalves("mixed_t").get(new NDIndex("4:"));
    }

    private static NDArray bothHalves(String timesteps) throws IOException {
        NDArray x = GOLDEN.tensor(FILE, "x");
        int[] t = GOLDEN.ints(FILE, timesteps);
        int[] twice = Arrays.copyOf(t, 8);
        System.arraycopy(t, 0, twice, 4, 4);
        int[] superclassOf = GOLDEN.ints(FILE, "superclass_of");
        List<Label> labels = new ArrayList<>();
        for (int y : GOLDEN.ints(FILE, "cfg_subclass")) {
            labels.add(Label.subclass(y));
        }
        for (int y : GOLDEN.ints(FILE, "cfg_subclass")) {
            labels.add(Guidance.fineGrained(4, 3).coarseLabel(Golden.CONFIG, superclassOf[y]));
        }
        return GOLDEN.dit(ComputeType.FP32)
                .forward(GOLDEN.manager, NDArrays.concat(new NDList(x, x), 0), twice, labels);
    }

    private static float[] channels(NDArray x, int from, int to) {
        return x.get(new NDIndex(":, " + from + ":" + to)).toFloatArray();
    }
}
