package io.finestream.kafka;

import static java.util.stream.Collectors.toMap;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.apache.kafka.clients.admin.NewTopic;
import org.junit.jupiter.api.Test;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

class TopicManifestsTest {

    private static final Path MANIFESTS = Path.of("..", "docker", "kubernetes", "topics.yaml");

    @Test
    void kubernetesMakesTheTopicsAsTheCommandDoes() throws IOException {
        Map<String, NewTopic> manifests = manifests().collect(toMap(NewTopic::name, topic -> topic));
        NewTopic requests = manifests.get(Topics.DEFAULT.requests());

        assertThat(requests).isNotNull();
        assertThat(manifests)
                .isEqualTo(Topics.DEFAULT.wanted(requests.numPartitions(), requests.replicationFactor()).stream()
                        .collect(toMap(NewTopic::name, topic -> topic)));
    }

    private static Stream<NewTopic> manifests() throws IOException {
        Iterable<Object> documents =
                new Load(LoadSettings.builder().build()).loadAllFromString(Files.readString(MANIFESTS));
        return StreamSupport.stream(documents.spliterator(), false).map(document -> topic((Map<?, ?>) document));
    }

    private static NewTopic topic(Map<?, ?> manifest) {
        Map<?, ?> metadata = (Map<?, ?>) manifest.get("metadata");
        Map<?, ?> spec = (Map<?, ?>) manifest.get("spec");
        Map<?, ?> config = (Map<?, ?>) spec.get("config");
        return new NewTopic(
                        String.valueOf(metadata.get("name")),
                        (Integer) spec.get("partitions"),
                        ((Integer) spec.get("replicas")).shortValue())
                .configs(config.entrySet().stream()
                        .collect(toMap(
                                entry -> String.valueOf(entry.getKey()), entry -> String.valueOf(entry.getValue()))));
    }
}
