package io.finestream.gallery;

import io.finestream.codec.Images;
import io.finestream.flowers.FlowerFamily;
import io.finestream.flowers.FlowerRenderer;
import io.finestream.flowers.Species;
import io.finestream.schemas.DeadLetter;
import io.finestream.schemas.GeneratedImage;
import io.finestream.schemas.GuidanceMode;
import io.finestream.schemas.Provenance;
import io.finestream.schemas.ReasonCode;
import io.finestream.schemas.ResolvedGuidance;
import io.finestream.schemas.SamplerName;
import io.finestream.schemas.StageTimings;
import io.finestream.weights.ModelChoice;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.List;

/** Records as the generation job writes them, but with drawn flowers. */
public final class SampleRecords {

    private SampleRecords() {}

    public static GeneratedImage image(Species species, long seed, int size, long modelVersion) {
        byte[] png = Images.toPng(FlowerRenderer.render(species, seed, size));
        double denoise = 240 + seed % 300;
        return GeneratedImage.newBuilder()
                .setRequestId("4f1f7a52-7a1e-4a0e-9a53-%012d".formatted(seed))
                .setSample((int) (seed % 8))
                .setSubclass(species.name())
                .setSubclassId(species.index())
                .setSuperclass(species.family().displayName())
                .setSuperclassId(List.of(FlowerFamily.values()).indexOf(species.family()))
                .setImage(ByteBuffer.wrap(png))
                .setWidth(size)
                .setHeight(size)
                .setSeed(seed)
                .setModelVersion(modelVersion)
                .setBaseModelHash("00".repeat(32))
                .setSteps(20)
                .setStepsRequested(20)
                .setSampler(SamplerName.DDIM)
                .setEta(0)
                .setGuidance(new ResolvedGuidance(GuidanceMode.FINE_GRAINED, 2.0, 0, 999, 3))
                .setTimings(new StageTimings(31.5, denoise, 0.4, 1.2, denoise + 40))
                .setCreatedAt(Instant.now())
                .setProvenance(new Provenance("finestream 0.1.0", "flowers", "generation-requests", 0, seed))
                .build();
    }

    /** Those of the shipped model. */
    static ModelClasses classes() throws IOException {
        return ModelClasses.of(ModelChoice.of("flowers").locate());
    }

    static DeadLetter unknownClass(String name) {
        return DeadLetter.newBuilder()
                .setOriginal(ByteBuffer.wrap(new byte[] {1, 2, 3}))
                .setReason("the class '%s' is not in the taxonomy; list the classes with: finestream classes"
                        .formatted(name))
                .setReasonCode(ReasonCode.UNKNOWN_CLASS)
                .setRequestId("r-1")
                .setTopic("generation-requests")
                .setPartition(0)
                .setOffset(7)
                .setTimestamp(Instant.now())
                .setRejectedAt(Instant.now())
                .build();
    }
}
