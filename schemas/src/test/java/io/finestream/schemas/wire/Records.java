package io.finestream.schemas.wire;

import io.finestream.schemas.GeneratedImage;
import io.finestream.schemas.GenerationRequest;
import io.finestream.schemas.GuidanceMode;
import io.finestream.schemas.GuidanceSpec;
import io.finestream.schemas.Provenance;
import io.finestream.schemas.ResolvedGuidance;
import io.finestream.schemas.SamplerName;
import io.finestream.schemas.StageTimings;
import io.finestream.schemas.Trajectory;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.EncoderFactory;

/** Records with something in every field, and writers that are not this build. */
final class Records {
    static final Instant NOON = Instant.parse("2026-01-01T12:00:00.123Z");

    private Records() {}

    static GenerationRequest request() {
        return GenerationRequest.newBuilder()
                .setRequestId("r-1")
                .setSubclass("Ära 山雀")
                .setCount(3)
                .setSeed(-42)
                .setGuidance(GuidanceSpec.newBuilder()
                        .setMode(GuidanceMode.CLASSIFIER_FREE)
                        .setScale(1.5)
                        .setIntervalLow(10)
                        .build())
                .setSampler(SamplerName.DDPM)
                .setRespacing("10,15,20")
                .setCacheInterval(3)
                .setDeadline(NOON)
                .setHeaders(Map.of("tenant", "zoo", "empty", ""))
                .build();
    }

    static Trajectory trajectory() {
        return Trajectory.newBuilder()
                .setRequest(request())
                .setSample(2)
                .setSubclassId(17)
                .setModelVersion(5)
                .setStep(7)
                .setLatent(ByteBuffer.wrap(new byte[4096]))
                .setHistory(List.of(ByteBuffer.wrap(new byte[] {1, 2}), ByteBuffer.wrap(new byte[0])))
                .setEnqueuedAt(NOON)
                .setStartedAt(NOON.plusMillis(3))
                .setDenoiseNanos(123_456_789_012L)
                .setSourceTopic("generation-requests")
                .setSourcePartition(3)
                .setSourceOffset(1L << 40)
                .setSourceTimestamp(Instant.ofEpochMilli(-1))
                .build();
    }

    static GeneratedImage image() {
        return GeneratedImage.newBuilder()
                .setRequestId("r-1")
                .setSample(0)
                .setSubclass("robin")
                .setSubclassId(1)
                .setSuperclass("birds")
                .setSuperclassId(0)
                .setImage(ByteBuffer.wrap(new byte[] {(byte) 0x89, 'P', 'N', 'G'}))
                .setWidth(64)
                .setHeight(64)
                .setSeed(9)
                .setModelVersion(0)
                .setBaseModelHash("00".repeat(32))
                .setSteps(20)
                .setStepsRequested(20)
                .setSampler(SamplerName.DDIM)
                .setEta(0.25)
                .setRespacing("ddim20")
                .setCacheInterval(2)
                .setGuidance(new ResolvedGuidance(GuidanceMode.FINE_GRAINED, 4.0, 0, 999, 3))
                .setTimings(new StageTimings(0.5, 100.25, 3.0, 1.0, 105.0))
                .setCreatedAt(NOON)
                .setProvenance(new Provenance("finestream 0.1.0", "tiny", "generation-requests", 0, 12L))
                .build();
    }

    /** As a program in another language would write it: header first, then the datum. */
    static byte[] written(byte[] header, Schema schema, GenericRecord value) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(header);
        BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(out, null);
        try {
            new GenericDatumWriter<GenericRecord>(schema).write(value, encoder);
            encoder.flush();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }
}
