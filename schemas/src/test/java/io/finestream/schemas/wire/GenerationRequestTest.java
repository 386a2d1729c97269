package io.finestream.schemas.wire;

import static org.assertj.core.api.Assertions.assertThat;

import io.finestream.schemas.GenerationRequest;
import io.finestream.schemas.GuidanceMode;
import io.finestream.schemas.GuidanceSpec;
import io.finestream.schemas.SamplerName;
import org.junit.jupiter.api.Test;

class GenerationRequestTest {
    @Test
    void aClassIsEnough() {
        GenerationRequest request =
                GenerationRequest.newBuilder().setSubclass("robin").build();

        assertThat(request.getSubclassId()).isNull();
        assertThat(request.getRequestId()).isEmpty();
        assertThat(request.getCount()).isEqualTo(1);
        assertThat(request.getFirstSample()).isZero();
        assertThat(request.getSeed()).isZero();
        assertThat(request.getGuidance())
                .isEqualTo(new GuidanceSpec(GuidanceMode.FINE_GRAINED, null, null, null, null));
        assertThat(request.getSampler()).isEqualTo(SamplerName.DDIM);
        assertThat(request.getEta()).isZero();
        assertThat(request.getSteps()).isEqualTo(20);
        assertThat(request.getRespacing()).isEmpty();
        assertThat(request.getCacheInterval()).isEqualTo(1);
        assertThat(request.getPriority()).isZero();
        assertThat(request.getDeadline()).isNull();
        assertThat(request.getHeaders()).isEmpty();
    }

    @Test
    void theMinimalRequestSurvivesTheWire() throws WireFormatException {
        GenerationRequest request =
                GenerationRequest.newBuilder().setSubclassId(17).build();
        AvroCodec<GenerationRequest> codec = new AvroCodec<>(GenerationRequest.class, new WireFormat.SingleObject());

        assertThat(codec.decode(codec.encode(request))).isEqualTo(request);
    }
}
