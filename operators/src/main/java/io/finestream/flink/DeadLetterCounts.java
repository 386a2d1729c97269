package io.finestream.flink;

import io.finestream.schemas.ReasonCode;
import java.util.EnumMap;
import java.util.Map;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;

/** Dead letters, a counter {@code deadLetters} for each reason; Prometheus sees the reason as a label. */
final class DeadLetterCounts {

    private final Map<ReasonCode, Counter> counters = new EnumMap<>(ReasonCode.class);

    DeadLetterCounts(MetricGroup group) {
        for (ReasonCode reason : ReasonCode.values()) {
            counters.put(reason, group.addGroup("reason", reason.name()).counter("deadLetters"));
        }
    }

    void add(ReasonCode reason) {
        Counter counter = counters.get(reason);
        if (counter != null) {
            counter.inc();
        }
    }
}
