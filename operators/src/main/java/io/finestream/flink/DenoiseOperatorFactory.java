package io.finestream.flink;

import io.finestream.schemas.PendingRequest;
import io.finestream.schemas.Trajectory;
import org.apache.flink.streaming.api.operators.AbstractStreamOperatorFactory;
import org.apache.flink.streaming.api.operators.ChainingStrategy;
import org.apache.flink.streaming.api.operators.OneInputStreamOperatorFactory;
import org.apache.flink.streaming.api.operators.StreamOperator;
import org.apache.flink.streaming.api.operators.StreamOperatorParameters;

/** Makes {@link DenoiseOperator}s that are always chained to their source: see RATIONALE.md. */
public final class DenoiseOperatorFactory extends AbstractStreamOperatorFactory<Trajectory>
        implements OneInputStreamOperatorFactory<PendingRequest, Trajectory> {

    private static final long serialVersionUID = 1;

    private final GenerationSettings settings;

    public DenoiseOperatorFactory(GenerationSettings settings) {
        this.settings = settings;
        setChainingStrategy(ChainingStrategy.ALWAYS);
    }

    @Override
    @SuppressWarnings("unchecked")
    public <T extends StreamOperator<Trajectory>> T createStreamOperator(
            StreamOperatorParameters<Trajectory> parameters) {
        return (T) new DenoiseOperator(parameters, settings);
    }

    @Override
    @SuppressWarnings("rawtypes") // as Flink declares it
    public Class<? extends StreamOperator> getStreamOperatorClass(ClassLoader classLoader) {
        return DenoiseOperator.class;
    }
}
