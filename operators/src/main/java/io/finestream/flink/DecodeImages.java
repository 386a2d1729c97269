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
import java.awt.image.BufferedImage;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.flink.api.common.TaskInfo;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.streaming.api.datastream.AsyncDataStream;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.functions.async.ResultFuture;
import org.apache.flink.streaming.api.functions.async.RichAsyncFunction;

/**
 * Turns the latent of a finished trajectory into an image file, with all it takes to make it again: on a thread of its
 * own, so that the next denoising step and checkpoints do not wait for it. Trajectories that wait are in checkpoints.
 */
public final class DecodeImages extends RichAsyncFunction<Trajectory, GeneratedImage> {

    private static final long serialVersionUID = 1;
    /** Name and version of this program. */
    public static final String GENERATOR = "finestream 0.1.0";

    private static final double NANOS_PER_MILLI = 1e6;
    private static final long NO_TIMEOUT = 0;
    private static final int MOST_WAITING = 128; // the most rows that a step is measured with

    private final GenerationSettings settings;
    private transient RequestResolver resolver;
    private transient ModelThread decoder;
    private transient DecodeMetrics measured;

    @SuppressWarnings("NullAway.Init") // Flink calls open before anything else
    private DecodeImages(GenerationSettings settings) {
        this.settings = settings;
    }

    /**
     * The images of {@code denoised}, in the order in which they are ready. The operator is chained to the denoiser. It has
     * room for all samples that can finish in one step; while there is none, denoising waits.
     */
    public static SingleOutputStreamOperator<GeneratedImage> of(
            DataStream<Trajectory> denoised, GenerationSettings settings) {
        return AsyncDataStream.unorderedWait(
                        denoised,
                        new DecodeImages(settings),
                        NO_TIMEOUT,
                        TimeUnit.MILLISECONDS,
                        Math.max(MOST_WAITING, settings.compute().rows()))
                .returns(new RecordTypeInfo<>(GeneratedImage.class));
    }

    @Override
    public void open(OpenContext context) throws Exception {
        TaskInfo task = getRuntimeContext().getTaskInfo();
        decoder = new ModelThread(
                PlannedModel.open(settings, getRuntimeContext(), task.getNumberOfParallelSubtasks()),
                "decode " + task.getTaskNameWithSubtasks());
        measured = DecodeMetrics.in(getRuntimeContext().getMetricGroup());
        resolver = new RequestResolver(decoder.model().config(), settings.maxCount());
    }

    /** What is not decoded when the job ends or fails is in its checkpoint. */
    @Override
    public void asyncInvoke(Trajectory done, ResultFuture<GeneratedImage> result) {
        decoder.execute(model -> {
            try {
                GeneratedImage image = image(model, done);
                measured.done(image.getTimings());
                result.complete(List.of(image));
            } catch (RuntimeException | Error e) { // unsaid, the job would wait for it
                result.completeExceptionally(e);
            }
        });
    }

    private GeneratedImage image(GenerativeModel model, Trajectory done) {
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
                .setShortenings(done.getShortenings())
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
        if (decoder != null) {
            decoder.close();
        }
    }
}
