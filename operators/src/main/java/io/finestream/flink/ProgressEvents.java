package io.finestream.flink;

import io.finestream.diffusion.DenoiseBatch;
import io.finestream.schemas.EventKind;
import io.finestream.schemas.GenerationEvent;
import io.finestream.schemas.GenerationRequest;
import io.finestream.schemas.PendingRequest;
import io.finestream.schemas.ReasonCode;
import io.finestream.schemas.Reporting;
import io.finestream.schemas.Trajectory;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Tells what happens to the samples of those requests that ask for it, steps at a bounded rate. That a request was
 * cancelled is always told. The operator's thread calls it.
 */
final class ProgressEvents implements DenoiseBatch.Estimates<Trajectory> {

    /** From one step that is told to the next of the same sample. */
    static final Duration EVERY = Duration.ofMillis(250);

    private static final class Told {
        int step;
        Instant at = Instant.MIN;
        Instant previewAt = Instant.MIN;
    }

    private final Previews previews;
    private final Mails mails;
    private final Consumer<GenerationEvent> out;
    private final Map<Trajectory, Told> told = new IdentityHashMap<>(); // of samples in flight
    private final Map<Trajectory, float[]> estimates = new IdentityHashMap<>(); // of the step that is being done
    private Set<Trajectory> wanted = Set.of();

    ProgressEvents(Previews previews, Mails mails, Consumer<GenerationEvent> out) {
        this.previews = previews;
        this.mails = mails;
        this.out = out;
    }

    /** A record was read and waits. */
    void accepted(PendingRequest request, Instant now) {
        if (isAsked(request.getRequest())) {
            out.accept(event(request, EventKind.ACCEPTED, now));
        }
    }

    /** A record can not be served. */
    void failed(RequestException e, Instant now) {
        GenerationRequest request = e.request();
        if (request != null && isAsked(request)) {
            EventKind what = e.code() == ReasonCode.EXPIRED ? EventKind.EXPIRED : EventKind.FAILED;
            GenerationEvent event = event(request, request.getFirstSample(), request.getCount(), what, now);
            event.setReason(e.getMessage());
            out.accept(event);
        }
    }

    /** Samples that had not begun will not be made. */
    void ended(EventKind what, PendingRequest request, Instant now) {
        if (what == EventKind.CANCELLED || isAsked(request.getRequest())) {
            out.accept(event(request, what, now));
        }
    }

    /** A sample in flight will not be made. */
    void ended(EventKind what, DenoiseBatch.Progress<Trajectory> sample, Instant now) {
        if (what == EventKind.CANCELLED || isAsked(sample.tag().getRequest())) {
            out.accept(event(sample.tag(), what, sample.step(), sample.spec().steps(), now));
        }
        told.remove(sample.tag());
    }

    /** A sample has done all its steps. */
    void done(Trajectory sample, Instant now) {
        if (isAsked(sample.getRequest())) {
            out.accept(event(sample, EventKind.DONE, sample.getStep(), sample.getStep(), now));
        }
        told.remove(sample);
    }

    /** A step is about to be done: chooses whose estimate is drawn, those first that have had none for longest. */
    void begin(List<DenoiseBatch.Progress<Trajectory>> inFlight, Instant now) {
        List<Trajectory> due = new ArrayList<>();
        for (DenoiseBatch.Progress<Trajectory> sample : inFlight) {
            if (sample.tag().getRequest().getProgress() == Reporting.PREVIEWS
                    && isDue(of(sample.tag()), now)
                    && sample.step() + 1 < sample.spec().steps()) {
                due.add(sample.tag());
            }
        }
        int places = due.isEmpty() ? 0 : previews.places();
        due.sort(Comparator.comparing(sample -> of(sample).previewAt));
        wanted = due.size() <= places ? identities(due) : identities(due.subList(0, places));
    }

    private static Set<Trajectory> identities(List<Trajectory> samples) {
        Set<Trajectory> identities = Collections.newSetFromMap(new IdentityHashMap<>());
        identities.addAll(samples);
        return identities;
    }

    @Override
    public boolean wants(Trajectory sample) {
        return wanted.contains(sample);
    }

    @Override
    public void take(Trajectory sample, float[] x0) {
        estimates.put(sample, x0);
    }

    /** A step was done. */
    void stepped(List<DenoiseBatch.Progress<Trajectory>> inFlight, Instant now) {
        List<Previews.Sketch> sketches = new ArrayList<>();
        for (DenoiseBatch.Progress<Trajectory> sample : inFlight) {
            if (!isAsked(sample.tag().getRequest())) {
                continue;
            }
            Told last = of(sample.tag());
            if (sample.step() == last.step || !isDue(last, now)) {
                continue;
            }
            last.step = sample.step();
            last.at = now;
            GenerationEvent event = event(
                    sample.tag(), EventKind.STEP, sample.step(), sample.spec().steps(), now);
            float[] estimate = estimates.get(sample.tag());
            if (estimate == null) {
                out.accept(event);
            } else {
                last.previewAt = now;
                sketches.add(new Previews.Sketch(
                        estimate, png -> mails.send("preview", () -> show(sample.tag(), event, png))));
            }
        }
        estimates.clear();
        wanted = Set.of();
        previews.draw(sketches);
    }

    /** Not if the sample has ended meanwhile: that was to be the last of it. */
    private void show(Trajectory sample, GenerationEvent event, @Nullable ByteBuffer png) {
        if (told.containsKey(sample)) {
            event.setPreview(png);
            out.accept(event);
        }
    }

    private Told of(Trajectory sample) {
        return told.computeIfAbsent(sample, any -> new Told());
    }

    private static boolean isDue(Told last, Instant now) {
        return last.at.equals(Instant.MIN) || !now.isBefore(last.at.plus(EVERY));
    }

    private static boolean isAsked(GenerationRequest request) {
        return request.getProgress() != Reporting.NONE;
    }

    private static GenerationEvent event(PendingRequest waiting, EventKind what, Instant now) {
        GenerationRequest request = waiting.getRequest();
        int next = waiting.getNextSample();
        return event(request, next, request.getFirstSample() + request.getCount() - next, what, now);
    }

    private static GenerationEvent event(
            GenerationRequest request, int first, int samples, EventKind what, Instant now) {
        return GenerationEvent.newBuilder()
                .setRequestId(request.getRequestId())
                .setSample(first)
                .setSamples(samples)
                .setWhat(what)
                .setSteps(request.getSteps())
                .setAt(now)
                .build();
    }

    private static GenerationEvent event(Trajectory sample, EventKind what, int step, int steps, Instant now) {
        GenerationEvent event = event(sample.getRequest(), sample.getSample(), 1, what, now);
        event.setStep(step);
        event.setSteps(steps);
        return event;
    }
}
