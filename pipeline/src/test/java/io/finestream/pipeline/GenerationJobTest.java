package io.finestream.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.finestream.flink.GenerationSettings;
import io.finestream.schemas.wire.WireFormat;
import java.util.Map;
import org.apache.flink.runtime.jobgraph.JobVertex;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.graph.StreamGraph;
import org.apache.flink.streaming.api.graph.StreamNode;
import org.apache.flink.streaming.api.operators.async.AsyncWaitOperatorFactory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class GenerationJobTest {

    private StreamGraph graph;

    @BeforeEach
    void build() {
        StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment();
        KafkaConnectors kafka =
                new KafkaConnectors(Map.of("bootstrap.servers", "localhost:1"), new WireFormat.SingleObject(), "graph");
        GenerationJob.build(
                env,
                kafka.records("requests", false),
                kafka.parameters("parameters"),
                kafka.control("control"),
                kafka.images("images"),
                kafka.events("events"),
                kafka.deadLetters("dead-letters"),
                GenerationSettings.forModel("flowers"));
        graph = env.getStreamGraph();
    }

    /** A state is found again by these; another name is another operator. */
    @Test
    void everyOperatorHasTheNameThatItsStateGoesBy() {
        assertThat(graph.getStreamNodes())
                .extracting(StreamNode::getTransformationUID)
                .containsExactlyInAnyOrder(
                        "generation-requests",
                        "denoise",
                        "decode",
                        "generated-images",
                        "Sink Committer: generated-images",
                        "generation-events",
                        "Sink Committer: generation-events",
                        "dead-letters",
                        "Sink Committer: dead-letters");
    }

    @Test
    void imagesAreDecodedBesideTheTasksThread() {
        assertThat(graph.getStreamNodes())
                .filteredOn(node -> node.getOperatorName().equals("decode"))
                .singleElement()
                .extracting(StreamNode::getOperatorFactory)
                .isInstanceOf(AsyncWaitOperatorFactory.class);
    }

    @Test
    void noBarrierWaitsBehindRecordsBetweenSourceAndDecoder() {
        assertThat(graph.getJobGraph().getVertices())
                .extracting(JobVertex::getName)
                .filteredOn(name -> name.contains("denoise"))
                .singleElement()
                .asString()
                .contains("generation-requests", "decode");
    }
}
