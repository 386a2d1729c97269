package io.finestream.pipeline;

import io.finestream.flink.FineTuneOperatorFactory;
import io.finestream.flink.FineTuneSettings;
import io.finestream.flink.KeyedRecord;
import io.finestream.flink.ParameterTopic;
import io.finestream.flink.SourceRecord;
import io.finestream.schemas.DeadLetter;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/** Labeled images in, versions of the parameters out: the whole graph. It has one subtask: there is one sequence of versions. */
public final class FineTuneJob {

    public static final String NAME = "finestream fine-tuning";

    private FineTuneJob() {}

    /**
     * Adds the job to {@code env}.
     *
     * @param labeled records as they come, undecoded
     * @param parameters where versions that somebody else publishes are read
     * @param versions receives each version's slices and then its commit record, all between two checkpoints
     */
    public static void build(
            StreamExecutionEnvironment env,
            Source<SourceRecord, ?, ?> labeled,
            ParameterTopic parameters,
            Sink<KeyedRecord> versions,
            Sink<DeadLetter> deadLetters,
            FineTuneSettings settings) {
        SingleOutputStreamOperator<KeyedRecord> tuned = env.fromSource(
                        labeled, WatermarkStrategy.noWatermarks(), "labeled-images")
                .uid("labeled-images")
                .setParallelism(1)
                .transform(
                        "fine-tune",
                        TypeInformation.of(KeyedRecord.class),
                        new FineTuneOperatorFactory(settings, parameters))
                .uid("fine-tune")
                .setParallelism(1);
        tuned.sinkTo(versions).name("parameters").uid("parameters").setParallelism(1);
        tuned.getSideOutput(FineTuneOperatorFactory.DEAD_LETTERS)
                .sinkTo(deadLetters)
                .name("dead-letters")
                .uid("dead-letters")
                .setParallelism(1);
    }
}
