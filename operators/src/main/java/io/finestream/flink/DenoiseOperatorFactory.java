package io.finestream.flink;

import io.finestream.schemas.DeadLetter;
import io.finestream.schemas.GenerationEvent;
import io.finestream.schemas.Trajectory;
import org.apache.flink.streaming.api.operators.AbstractStreamOperatorFactory;
import org.apache.flink.streaming.api.operators.ChainingStrategy;
import org.apache.flink.streaming.api.operators.OneInputStreamOperatorFactory;
import org.apache.flink.streaming.api.operators.StreamOperator;
import org.apache.flink.streaming.api.operators.StreamOperatorParameters;
import org.apache.flink.util.OutputTag;
import org.jspecify.annotations.Nullable;

/** Makes {@link DenoiseOperator}s that are always chained to their source: see RATIONALE.md. */
public final class DenoiseOperatorFactory extends AbstractStreamOperatorFactory<Trajectory>
        implements OneInputStreamOperatorFactory<SourceRecord, Trajectory> {

    private static final long serialVersionUID = 1;

    /** Requests that can not be served, and why. */
    public static final OutputTag<DeadLetter> DEAD_LETTERS =
            new OutputTag<>("dead-letters", new RecordTypeInfo<>(DeadLetter.class));

    /** What happens to samples, of those requests that want it told. */
    public static final OutputTag<GenerationEvent> EVENTS =
            new OutputTag<>("generation-events", new RecordTypeInfo<>(GenerationEvent.class));

    private final GenerationSettings settings;
    private final @Nullable ParameterTopic parameters;
    private final @Nullable ControlTopic control;

    /**
     * @param parameters where new versions come from; null for none
     * @param control where requests are cancelled; null if they can not be
     */
    public DenoiseOperatorFactory(
            GenerationSettings settings, @Nullable ParameterTopic parameters, @Nullable ControlTopic control) {
        this.settings = settings;
        this.parameters = parameters;
        this.control = control;
        setChainingStrategy(ChainingStrategy.ALWAYS);
    }

    @Override
    @SuppressWarnings("unchecked")
    public <T extends StreamOperator<Trajectory>> T createStreamOperator(
            StreamOperatorParameters<Trajectory> operatorParameters) {
        return (T) new DenoiseOperator(operatorParameters, settings, parameters, control);
    }

    @Override
    @SuppressWarnings("rawtypes") // as Flink declares it
    public Class<? extends StreamOperator> getStreamOperatorClass(ClassLoader classLoader) {
        return DenoiseOperator.class;
    }
}
