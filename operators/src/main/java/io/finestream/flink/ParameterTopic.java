package io.finestream.flink;

import java.io.Serializable;
import java.util.HashMap;
import java.util.Map;

/** The topic by which new versions of the parameters come, and how to reach it. */
public final class ParameterTopic implements Serializable {

    private static final long serialVersionUID = 1;

    private final HashMap<String, String> clientProperties;
    private final String name;

    /** @param clientProperties settings of Kafka's clients, {@code bootstrap.servers} included */
    public ParameterTopic(Map<String, String> clientProperties, String name) {
        this.clientProperties = new HashMap<>(clientProperties);
        this.name = name;
    }

    Map<String, String> clientProperties() {
        return clientProperties;
    }

    String name() {
        return name;
    }

    /** Without the client's properties, which may hold a password. */
    @Override
    public String toString() {
        return "topic " + name + " at " + clientProperties.get("bootstrap.servers");
    }
}
