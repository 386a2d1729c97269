package io.finestream.flink;

import io.finestream.schemas.DeadLetter;
import org.apache.flink.streaming.api.operators.AbstractStreamOperatorFactory;
import org.apache.flink.streaming.api.operators.ChainingStrategy;
import org.apache.flink.streaming.api.operators.OneInputStreamOperatorFactory;
import org.apache.flink.streaming.api.operators.StreamOperator;
import org.apache.flink.streaming.api.operators.StreamOperatorParameters;
import org.apache.flink.util.OutputTag;
import org.jspecify.annotations.Nullable;

/** Makes {@link FineTuneOperator}s, which run with a parallelism of 1. */
public final class FineTuneOperatorFactory extends AbstractStreamOperatorFactory<KeyedRecord>
        implements OneInputStreamOperatorFactory<SourceRecord, KeyedRecord> {

    private static final long serialVersionUID = 1;

    /** Labeled images that were refused. */
    public static final OutputTag<DeadLetter> DEAD_LETTERS =
            new OutputTag<>("dead-letters", new RecordTypeInfo<>(DeadLetter.class));

    private final FineTuneSettings settings;
    private final @Nullable ParameterTopic topic;

    /** @param topic where versions that others publish are read; null where nobody else publishes */
    public FineTuneOperatorFactory(FineTuneSettings settings, @Nullable ParameterTopic topic) {
        this.settings = settings;
        this.topic = topic;
        setChainingStrategy(ChainingStrategy.ALWAYS);
    }

    @Override
    @SuppressWarnings("unchecked")
    public <T extends StreamOperator<KeyedRecord>> T createStreamOperator(
            StreamOperatorParameters<KeyedRecord> parameters) {
        return (T) new FineTuneOperator(parameters, settings, topic);
    }

    @Override
    @SuppressWarnings("rawtypes") // as Flink declares it
    public Class<? extends StreamOperator> getStreamOperatorClass(ClassLoader classLoader) {
        return FineTuneOperator.class;
    }
}
