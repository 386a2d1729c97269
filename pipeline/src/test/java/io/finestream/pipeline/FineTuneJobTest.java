package io.finestream.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.finestream.flink.FineTuneSettings;
import io.finestream.schemas.wire.WireFormat;
import io.finestream.weights.ModelChoice;
import java.util.Map;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.graph.StreamNode;
import org.junit.jupiter.api.Test;

class FineTuneJobTest {

    /** A state is found again by these; another name is another operator. */
    @Test
    void everyOperatorHasTheNameThatItsStateGoesBy() {
        StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment();
        KafkaConnectors kafka =
                new KafkaConnectors(Map.of("bootstrap.servers", "localhost:1"), new WireFormat.SingleObject(), "graph");
        FineTuneJob.build(
                env,
                kafka.records("labeled", false),
                kafka.parameters("parameters"),
                kafka.versions("parameters"),
                kafka.deadLetters("dead-letters"),
                FineTuneSettings.forModel(ModelChoice.of("flowers"), "graph"));

        assertThat(env.getStreamGraph().getStreamNodes())
                .extracting(StreamNode::getTransformationUID)
                .containsExactlyInAnyOrder(
                        "labeled-images",
                        "fine-tune",
                        "parameters",
                        "Sink Committer: parameters",
                        "dead-letters",
                        "Sink Committer: dead-letters");
    }
}
