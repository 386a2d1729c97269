package io.finestream.pipeline;

import io.finestream.flink.ControlTopic;
import io.finestream.flink.DecodeImages;
import io.finestream.flink.DenoiseOperatorFactory;
import io.finestream.flink.GenerationSettings;
import io.finestream.flink.ParameterTopic;
import io.finestream.flink.RecordTypeInfo;
import io.finestream.flink.SourceRecord;
import io.finestream.schemas.DeadLetter;
import io.finestream.schemas.GeneratedImage;
import io.finestream.schemas.GenerationEvent;
import io.finestream.schemas.Trajectory;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.jspecify.annotations.Nullable;

/** Requests in, images out: the whole graph. */
public final class GenerationJob {

    public static final String NAME = "finestream generation";

    private GenerationJob() {}

    /**
     * Adds the job to {@code env}. Every operator up to the decoder is chained to the source, so one subtask carries a
     * request from its partition to its image; the job's parallelism is at most the number of partitions. The decoder has
     * a thread of its own.
     *
     * <p>New versions of the parameters and cancellations come to the denoiser beside the graph: each subtask reads their
     * topics itself (see RATIONALE.md of operators).
     *
     * @param requests records as they come, undecoded
     * @param parameters where new versions come from; null to stay with the model as it is
     * @param control where requests are cancelled; null if they can not be
     * @param events what happens to requests that want it told; need not be exactly once
     */
    public static void build(
            StreamExecutionEnvironment env,
            Source<SourceRecord, ?, ?> requests,
            @Nullable ParameterTopic parameters,
            @Nullable ControlTopic control,
            Sink<GeneratedImage> images,
            Sink<GenerationEvent> events,
            Sink<DeadLetter> deadLetters,
            GenerationSettings settings) {
        SingleOutputStreamOperator<Trajectory> denoised = env.fromSource(
                        requests, WatermarkStrategy.noWatermarks(), "generation-requests")
                .uid("generation-requests")
                .transform(
                        "denoise",
                        new RecordTypeInfo<>(Trajectory.class),
                        new DenoiseOperatorFactory(settings, parameters, control))
                .uid("denoise");
        DecodeImages.of(denoised, settings)
                .name("decode")
                .uid("decode")
                .sinkTo(images)
                .name("generated-images")
                .uid("generated-images");
        denoised.getSideOutput(DenoiseOperatorFactory.EVENTS)
                .sinkTo(events)
                .name("generation-events")
                .uid("generation-events");
        denoised.getSideOutput(DenoiseOperatorFactory.DEAD_LETTERS)
                .sinkTo(deadLetters)
                .name("dead-letters")
                .uid("dead-letters");
    }
}
