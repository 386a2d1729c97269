package io.finestream.pipeline;

import io.finestream.flink.DecodeImages;
import io.finestream.flink.DenoiseOperatorFactory;
import io.finestream.flink.GenerationSettings;
import io.finestream.flink.ResolveRequests;
import io.finestream.flink.SourceRecord;
import io.finestream.schemas.DeadLetter;
import io.finestream.schemas.GeneratedImage;
import io.finestream.schemas.PendingRequest;
import io.finestream.schemas.Trajectory;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.formats.avro.typeutils.AvroTypeInfo;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/** Requests in, images out: the whole graph. */
public final class GenerationJob {

    public static final String NAME = "finestream generation";

    private GenerationJob() {}

    /**
     * Adds the job to {@code env}. Every operator up to the decoder is chained to the source, so one subtask carries a
     * request from its partition to its image; the job's parallelism is at most the number of partitions.
     *
     * @param requests records as they come, undecoded
     */
    public static void build(
            StreamExecutionEnvironment env,
            Source<SourceRecord, ?, ?> requests,
            Sink<GeneratedImage> images,
            Sink<DeadLetter> deadLetters,
            GenerationSettings settings) {
        SingleOutputStreamOperator<PendingRequest> resolved = env.fromSource(
                        requests, WatermarkStrategy.noWatermarks(), "generation-requests")
                .uid("generation-requests")
                .process(new ResolveRequests(settings))
                .name("resolve")
                .uid("resolve");
        SingleOutputStreamOperator<Trajectory> denoised = resolved.transform(
                        "denoise", new AvroTypeInfo<>(Trajectory.class), new DenoiseOperatorFactory(settings))
                .uid("denoise");
        denoised.map(new DecodeImages(settings))
                .name("decode")
                .uid("decode")
                .sinkTo(images)
                .name("generated-images")
                .uid("generated-images");
        resolved.getSideOutput(ResolveRequests.DEAD_LETTERS)
                .sinkTo(deadLetters)
                .name("dead-letters")
                .uid("dead-letters");
    }
}
