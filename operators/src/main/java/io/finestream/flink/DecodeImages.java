package io.finestream.flink;

import io.finestream.codec.Images;
import io.finestream.diffusion.Guidance;
import io.finestream.schemas.GeneratedImage;
import io.finestream.schemas.GenerationRequest;
import io.finestream.schemas.GuidanceMode;
import io.finestream.schemas.Provenance;
import io.finestream.schemas.ResolvedGuidance;
import io.finestream.schemas.StageTimings;
import io.finestream.schemas.Trajectory;
import io.finestream.weights.GenerativeModel;
import io.finestream.weights.ModelDirectory;
import io.finestream.weights.SharedModel;
import java.awt.image.BufferedImage;
import java.nio.ByteBuffer;
import java.time.Instant;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichMapFunction;

/** Turns the latent of a finished trajectory into an image file, with all it takes to make it again. */
public final class DecodeImages extends RichMapFunction<Trajectory, GeneratedImage> {

    private static final long serialVersionUID = 1;
    /** Name and version of this program. */
    public static final String GENERATOR = "finestream 0.1.0";

    private static final double NANOS_PER_MILLI = 1e6;

    private final GenerationSettings settings;
    private transient SharedModel shared;
    private transient RequestResolver resolver;

    @SuppressWarnings("NullAway.Init") // Flink calls open before anything else
    public DecodeImages(GenerationSettings settings) {
        this.settings = settings;
    }

    @Override
    public void open(OpenContext context) throws Exception {
        int subtask = getRuntimeContext().getTaskInfo().getIndexOfThisSubtask();
        shared = SharedModel.acquire(
                ModelDirectory.locate(settings.model()),
                Devices.choose(settings.device(), subtask),
                settings.computeType());
        GenerativeModel model = shared.model();
        resolver = new RequestResolver(model.config(), settings.maxCount());
    }

    @Override
    public GeneratedImage map(Trajectory done) {
        GenerativeModel model = shared.model();
        GenerationRequest request = done.getRequest();
        long start = System.nanoTime();
        BufferedImage image = model.decode(Trajectories.latent(done));
        long decoded = System.nanoTime();
        byte[] png = Images.toPng(image);
        long encoded = System.nanoTime();
        Instant now = Instant.now();
        return GeneratedImage.newBuilder()
                .setRequestId(request.getRequestId())
                .setSample(done.getSample())
                .setSubclass(done.getSubclass())
                .setSubclassId(done.getSubclassId())
                .setSuperclass(done.getSuperclass())
                .setSuperclassId(done.getSuperclassId())
                .setImage(ByteBuffer.wrap(png))
                .setWidth(image.getWidth())
                .setHeight(image.getHeight())
                .setSeed(request.getSeed())
                .setModelVersion(done.getModelVersion())
                .setBaseModelHash(model.baseHash())
                .setSteps(done.getStep())
                .setStepsRequested(request.getSteps())
                .setSampler(request.getSampler())
                .setEta(request.getEta())
                .setRespacing(request.getRespacing())
                .setCacheInterval(request.getCacheInterval())
                .setGuidance(asApplied(resolver.guidance(request.getGuidance())))
                .setTimings(StageTimings.newBuilder()
                        .setQueuedMillis(millis(done.getEnqueuedAt(), done.getStartedAt()))
                        .setDenoiseMillis(done.getDenoiseNanos() / NANOS_PER_MILLI)
                        .setDecodeMillis((decoded - start) / NANOS_PER_MILLI)
                        .setEncodeMillis((encoded - decoded) / NANOS_PER_MILLI)
                        .setTotalMillis(millis(done.getSourceTimestamp(), now))
                        .build())
                .setCreatedAt(now)
                .setHeaders(request.getHeaders())
                .setProvenance(Provenance.newBuilder()
                        .setGenerator(GENERATOR)
                        .setModel(model.config().name())
                        .setSourceTopic(done.getSourceTopic())
                        .setSourcePartition(done.getSourcePartition())
                        .setSourceOffset(done.getSourceOffset())
                        .build())
                .build();
    }

    private static ResolvedGuidance asApplied(Guidance guidance) {
        return ResolvedGuidance.newBuilder()
                .setMode(GuidanceMode.valueOf(guidance.mode().name()))
                .setScale(guidance.scale())
                .setIntervalLow(guidance.intervalLow())
                .setIntervalHigh(guidance.intervalHigh())
                .setGuidedChannels(guidance.channels())
                .build();
    }

    private static double millis(Instant from, Instant to) {
        return (double) (to.toEpochMilli() - from.toEpochMilli());
    }

    @Override
    public void close() {
        if (shared != null) {
            shared.close();
        }
    }
}
