package io.finestream.kafka;

import io.finestream.flink.ParameterFeed;
import io.finestream.flink.ParameterTopic;
import io.finestream.schemas.LiveVersion;
import io.finestream.schemas.ParameterVersion;
import io.finestream.schemas.wire.WireFormat;
import io.finestream.versions.BaseTensors;
import io.finestream.versions.VersionAssembler;
import io.finestream.versions.VersionException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.jspecify.annotations.Nullable;

/** Every version that the parameters topic tells of, and the tensors of the newest. */
public final class VersionHistory implements AutoCloseable {

    private final String topic;
    private final VersionAssembler assembler;
    private final ParameterFeed feed;
    private final List<VersionAssembler.Commit> commits;

    private VersionHistory(
            String topic, VersionAssembler assembler, ParameterFeed feed, List<VersionAssembler.Commit> commits) {
        this.topic = topic;
        this.assembler = assembler;
        this.feed = feed;
        this.commits = commits;
    }

    /**
     * Reads the topic as it is now.
     *
     * @param clientProperties settings of Kafka's clients
     * @param topic of the parameters
     * @param base the model that the versions were trained on; without it tensors are whole only if every row of them was
     *     published
     * @throws IOException if there is no such topic, or its records make no version
     */
    public static VersionHistory read(
            Map<String, String> clientProperties, String topic, WireFormat format, @Nullable BaseTensors base)
            throws IOException {
        Map<String, String> client = new HashMap<>(clientProperties);
        TopicLookup.partitions(client, topic);
        client.putIfAbsent(
                ConsumerConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, Long.toString(TopicLookup.PATIENCE.toMillis()));
        List<VersionAssembler.Commit> commits = new ArrayList<>();
        VersionAssembler assembler = (base == null
                        ? VersionAssembler.withoutBase(format)
                        : VersionAssembler.of(format, base))
                .listener(commits::add);
        VersionHistory history = new VersionHistory(
                topic, assembler, ParameterFeed.open(new ParameterTopic(client, topic), assembler), commits);
        try {
            history.readOn();
            return history;
        } catch (IOException | RuntimeException e) {
            history.close();
            throw e;
        }
    }

    /** Reads what has come since. */
    public void readOn() throws VersionException {
        var unused = feed.catchUp(); // what is new is in the list of commits
    }

    /** Commit records in the order of the log. */
    public List<VersionAssembler.Commit> commits() {
        return List.copyOf(commits);
    }

    /** @throws IOException if nothing has been published */
    public ParameterVersion newest() throws IOException {
        ParameterVersion newest = assembler.newest();
        if (newest == null) {
            throw new IOException(
                    "there is no version in the topic " + topic + " yet: the base model, 0, is all there is");
        }
        return newest;
    }

    /** @throws IOException that names the versions that are there, if {@code number} is not */
    public ParameterVersion find(long number) throws IOException {
        long newest = newest().getVersion();
        return commits.stream()
                .map(VersionAssembler.Commit::version)
                .filter(version -> version.getVersion() == number)
                .reduce((first, last) -> last)
                .orElseThrow(() -> new IOException("there is no version " + number + " in the topic " + topic
                        + "; 'finestream models list' shows those that are there, up to " + newest));
    }

    /** The tensors of the newest version. */
    public LiveVersion newestWhole() throws VersionException {
        return assembler.version();
    }

    /** Shapes of the tensors that versions have changed so far. */
    public Map<String, long[]> shapes() {
        return assembler.shapes();
    }

    @Override
    public void close() {
        feed.close();
    }
}
