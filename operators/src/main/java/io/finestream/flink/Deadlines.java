package io.finestream.flink;

import io.finestream.diffusion.DenoiseBatch;
import io.finestream.schemas.DeadLetter;
import io.finestream.schemas.EventKind;
import io.finestream.schemas.GenerationRequest;
import io.finestream.schemas.PendingRequest;
import io.finestream.schemas.Quality;
import io.finestream.schemas.ReasonCode;
import io.finestream.schemas.Shortening;
import io.finestream.schemas.Trajectory;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What deadlines do to requests between two steps: those that are late are given up, and degradable ones that will be late
 * go on in fewer steps.
 */
final class Deadlines {

    /** Fewest steps of an image whose steps were left out. */
    private static final int FEWEST_STEPS = 4;

    /** Share of the time left that is planned with: steps vary, and the image is still to be decoded. */
    private static final double USABLE = 0.9;

    private record Source(String topic, int partition, long offset, Instant timestamp) {}

    private static final class Late {
        final GenerationRequest request;
        int begun;

        Late(GenerationRequest request, int begun) {
            this.request = request;
            this.begun = begun;
        }
    }

    private final RequestReader reader;
    private final AdmissionQueue pending;
    private final LiveVersions live;
    private final ProgressEvents events;

    Deadlines(RequestReader reader, AdmissionQueue pending, LiveVersions live, ProgressEvents events) {
        this.reader = reader;
        this.pending = pending;
        this.live = live;
        this.events = events;
    }

    /**
     * Takes out what is late: samples that wait, and those in flight unless they are degradable.
     *
     * @return a dead letter for each record of a request
     */
    List<DeadLetter> expire(Instant now) {
        Map<Source, Late> late = new LinkedHashMap<>();
        for (PendingRequest waiting : pending.expire(now)) {
            events.ended(EventKind.EXPIRED, waiting, now);
            GenerationRequest request = waiting.getRequest();
            Source source = new Source(
                    waiting.getSourceTopic(),
                    waiting.getSourcePartition(),
                    waiting.getSourceOffset(),
                    waiting.getSourceTimestamp());
            late.put(source, new Late(request, waiting.getNextSample() - request.getFirstSample()));
        }
        for (DenoiseBatch.Progress<Trajectory> sample : live.drop(any -> isLate(any.getRequest(), now))) {
            events.ended(EventKind.EXPIRED, sample, now);
            Trajectory dropped = sample.tag();
            GenerationRequest request = dropped.getRequest();
            Source source = new Source(
                    dropped.getSourceTopic(),
                    dropped.getSourcePartition(),
                    dropped.getSourceOffset(),
                    dropped.getSourceTimestamp());
            late.computeIfAbsent(source, any -> new Late(request, request.getCount())).begun--;
        }
        List<DeadLetter> letters = new ArrayList<>();
        late.forEach((source, of) -> letters.add(letter(source, of.request, of.begun, now)));
        return letters;
    }

    private static boolean isLate(GenerationRequest request, Instant now) {
        Instant deadline = request.getDeadline();
        return deadline != null && deadline.isBefore(now) && request.getQuality() != Quality.DEGRADABLE;
    }

    private DeadLetter letter(Source source, GenerationRequest request, int images, Instant now) {
        String reason =
                "the deadline %s had passed at %s, when %d of %d images were %s; send it again with a later one%s, or add capacity"
                        .formatted(
                                request.getDeadline(),
                                now,
                                images,
                                request.getCount(),
                                request.getQuality() == Quality.DEGRADABLE ? "made or begun" : "made",
                                request.getQuality() == Quality.DEGRADABLE ? "" : " or as degradable");
        return reader.write(request, source.topic(), source.partition(), source.offset(), source.timestamp())
                .deadLetter(request.getRequestId(), ReasonCode.EXPIRED, reason);
    }

    /** Lets degradable trajectories that would be late go on in the steps that there is time for. */
    void shorten(Instant now) {
        for (DenoiseBatch.Progress<Trajectory> sample : live.progress()) {
            GenerationRequest request = sample.tag().getRequest();
            Instant deadline = request.getDeadline();
            double pace = pace(sample);
            if (request.getQuality() != Quality.DEGRADABLE || deadline == null || pace == 0) {
                continue;
            }
            int left = sample.spec().steps() - sample.step();
            double stepsThatFit = Math.max(0, Duration.between(now, deadline).toMillis() * 1e6 / pace);
            int fewest = Math.max(1, FEWEST_STEPS - sample.step());
            int kept = Math.max(fewest, (int) (USABLE * stepsThatFit));
            if (left > stepsThatFit && left > kept) {
                shorten(sample.tag(), sample.step(), kept);
            }
        }
    }

    private void shorten(Trajectory trajectory, int step, int left) {
        List<Shortening> shortenings = new ArrayList<>(trajectory.getShortenings());
        shortenings.add(new Shortening(step, left));
        trajectory.setShortenings(shortenings);
        live.shorten(trajectory, left);
    }

    /** Nanoseconds from one of its steps to the next: those in which others had their turn count. */
    private double pace(DenoiseBatch.Progress<Trajectory> sample) {
        double own = sample.step() == 0 ? 0 : (double) sample.tag().getDenoiseNanos() / sample.step();
        return Math.max(own, live.recentStepNanos());
    }
}
