package io.finestream.flink;

import java.util.Map;

/** The topic by which clients cancel requests. */
public final class ControlTopic extends FollowedTopic {

    private static final long serialVersionUID = 1;

    /** @param clientProperties settings of Kafka's clients, {@code bootstrap.servers} included */
    public ControlTopic(Map<String, String> clientProperties, String name) {
        super(clientProperties, name);
    }
}
