package io.finestream.cli;

import io.finestream.schemas.EventKind;
import io.finestream.schemas.GenerationEvent;
import io.finestream.schemas.GenerationRequest;
import io.finestream.schemas.Reporting;
import io.finestream.schemas.wire.AvroCodec;
import io.finestream.schemas.wire.WireFormat;
import io.finestream.schemas.wire.WireFormatException;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import me.tongfei.progressbar.ProgressBar;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/** What the generation job tells of requests, from before they are sent until the last of their images. */
final class ProgressWatch implements AutoCloseable {

    private final CommittedRecords records;
    private final AvroCodec<GenerationEvent> codec;
    private final Map<String, Set<Integer>> open = new HashMap<>(); // samples that have not ended, by request
    private long notMade;

    private ProgressWatch(CommittedRecords records, AvroCodec<GenerationEvent> codec) {
        this.records = records;
        this.codec = codec;
    }

    /** @throws IOException if there is no such topic */
    static ProgressWatch open(Map<String, String> client, String topic, WireFormat format) throws IOException {
        int partitions = TopicLookup.partitions(client, topic);
        return new ProgressWatch(
                CommittedRecords.of(client, Map.of(topic, partitions), true),
                new AvroCodec<>(GenerationEvent.class, format));
    }

    /**
     * Shows a bar until each sample of the requests has ended, or the user stops it.
     *
     * @param err where it is said why samples were not made
     * @return how many were not made
     */
    long follow(List<GenerationRequest> requests, PrintWriter err) {
        long samples = 0;
        for (GenerationRequest request : requests) {
            if (request.getProgress() != Reporting.NONE) { // a line of a file may say so
                Set<Integer> of = open.computeIfAbsent(request.getRequestId(), any -> new HashSet<>());
                for (int i = 0; i < request.getCount(); i++) {
                    of.add(request.getFirstSample() + i);
                }
                samples += request.getCount();
            }
        }
        open.values().removeIf(Set::isEmpty);
        try (ProgressBar bar = Progress.bar("denoised", samples)) {
            while (!open.isEmpty() && !records.stopped()) {
                for (ConsumerRecord<byte[], byte[]> record : records.poll()) {
                    take(record, bar, err);
                }
            }
        }
        return notMade;
    }

    private void take(ConsumerRecord<byte[], byte[]> record, ProgressBar bar, PrintWriter err) {
        try {
            GenerationEvent event = codec.decode(record.value() == null ? new byte[0] : record.value());
            Set<Integer> samples = open.get(event.getRequestId());
            if (samples != null) {
                take(event, samples, bar, err);
            }
        } catch (WireFormatException e) {
            say(
                    err,
                    "skipped %s-%d, offset %d: %s"
                            .formatted(record.topic(), record.partition(), record.offset(), e.getMessage()));
        }
    }

    private void take(GenerationEvent event, Set<Integer> samples, ProgressBar bar, PrintWriter err) {
        EventKind what = event.getWhat();
        if (what == EventKind.ACCEPTED || what == EventKind.STEP) {
            bar.setExtraMessage(
                    "sample %d: step %d of %d".formatted(event.getSample(), event.getStep(), event.getSteps()));
            return;
        }
        int ended = 0;
        for (int i = 0; i < event.getSamples(); i++) {
            ended += samples.remove(event.getSample() + i) ? 1 : 0; // an event may come twice
        }
        bar.stepBy(ended);
        if (samples.isEmpty()) {
            open.remove(event.getRequestId());
        }
        if (what != EventKind.DONE && ended > 0) {
            notMade += ended;
            String reason = event.getReason();
            say(
                    err,
                    "%s of request %s: %s%s"
                            .formatted(
                                    Counted.of(ended, "image"),
                                    event.getRequestId(),
                                    what,
                                    reason == null ? "" : ": " + reason));
        }
    }

    private static void say(PrintWriter err, String message) {
        err.println(Printable.of(message));
        err.flush();
    }

    @Override
    public void close() {
        records.close();
    }
}
