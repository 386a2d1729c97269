package io.finestream.flink;

import java.io.Serializable;
import java.util.HashMap;
import java.util.Map;

/** A topic with one partition that operators read beside the graph, and how to reach it. */
public abstract sealed class FollowedTopic implements Serializable permits ParameterTopic, ControlTopic {

    private static final long serialVersionUID = 1;

    private final HashMap<String, String> clientProperties;
    private final String name;

    FollowedTopic(Map<String, String> clientProperties, String name) {
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
