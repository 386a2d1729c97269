package io.finestream.flink;

import java.util.Map;

/** The topic by which new versions of the parameters come. */
public final class ParameterTopic extends FollowedTopic {

    private static final long serialVersionUID = 1;

    /** @param clientProperties settings of Kafka's clients, {@code bootstrap.servers} included */
    public ParameterTopic(Map<String, String> clientProperties, String name) {
        super(clientProperties, name);
    }
}
