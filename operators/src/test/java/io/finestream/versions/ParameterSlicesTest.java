package io.finestream.versions;

import static org.assertj.core.api.Assertions.assertThat;

import io.finestream.dit.DiTParameters;
import io.finestream.schemas.ParameterSlice;
import io.finestream.schemas.ParameterVersion;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ParameterSlicesTest {

    private static final String BIAS = "blocks.0.attn.qkv.bias";
    private static final String TABLE = DiTParameters.SUBCLASS_TABLE;

    @Test
    void aLabelTableIsCutIntoRows() {
        List<ParameterSlice> slices = changed(SliceOf.tensor(TABLE, 3, 8), Map.of());
        assertThat(slices)
                .extracting(ParameterSlices::key)
                .containsExactly(TABLE + "[0:1]", TABLE + "[1:2]", TABLE + "[2:3]");
        assertThat(slices).allSatisfy(slice -> {
            assertThat(slice.getShape()).containsExactly(3L, 8L);
            assertThat(slice.getData().remaining()).isEqualTo(8 * Float.BYTES);
        });
    }

    @Test
    void otherTensorsAreCutIntoWholeRowsOfAtMostAMebibyte() {
        assertThat(changed(SliceOf.tensor(BIAS, 600_000), Map.of()))
                .extracting(ParameterSlices::key)
                .containsExactly(BIAS + "[0:262144]", BIAS + "[262144:524288]", BIAS + "[524288:600000]");
        assertThat(changed(SliceOf.tensor("w", 3, 100_000), Map.of()))
                .extracting(ParameterSlices::key)
                .containsExactly("w[0:2]", "w[2:3]");
        assertThat(changed(SliceOf.tensor("pos_embed", 1, 300_000), Map.of()))
                .as("a row is never cut")
                .extracting(ParameterSlices::key)
                .containsExactly("pos_embed[0:1]");
    }

    @Test
    void onlySlicesThatDifferInSomeBitAreChanged() {
        ParameterSlice before = SliceOf.tensor(TABLE, 3, 8);
        ParameterSlice after = SliceOf.copy(before);
        assertThat(changed(after, Map.of(TABLE, before))).isEmpty();
        SliceOf.set(after, 8, -0f); // was 0
        SliceOf.set(before, 8, 0f);
        assertThat(changed(after, Map.of(TABLE, before)))
                .extracting(ParameterSlices::key)
                .containsExactly(TABLE + "[1:2]");
    }

    @Test
    void rowsThatWereAddedAreChangedAndTheOthersKeepTheirKeys() {
        ParameterSlice before = SliceOf.tensor(TABLE, 3, 8);
        List<ParameterSlice> slices = changed(SliceOf.grown(before, 2), Map.of(TABLE, before));
        assertThat(slices).extracting(ParameterSlices::key).containsExactly(TABLE + "[3:4]", TABLE + "[4:5]");
        assertThat(slices).allSatisfy(slice -> assertThat(slice.getShape()).containsExactly(5L, 8L));
    }

    @Test
    void commitsOfTwoPublishersWithOneNumberHaveDifferentKeys() {
        ParameterVersion one = SliceOf.commit(7, 0);
        ParameterVersion other =
                ParameterVersion.newBuilder(one).setPublisher("other").build();
        assertThat(one.getCreatedAt()).isEqualTo(Instant.EPOCH);
        assertThat(ParameterSlices.key(one)).isEqualTo("version/7/test").isNotEqualTo(ParameterSlices.key(other));
    }

    private static List<ParameterSlice> changed(ParameterSlice tensor, Map<String, ParameterSlice> before) {
        return ParameterSlices.changed(1, List.of(tensor), before);
    }
}
