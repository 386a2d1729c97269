package io.finestream.gallery;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.finestream.dit.Taxonomy;
import io.finestream.schemas.GateResult;
import io.finestream.schemas.HeldBackCandidate;
import io.finestream.schemas.ParameterVersion;
import io.finestream.schemas.TaxonomyEntry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What the page shows of the versions and of their classes; readers wait for what comes after the last they have. */
final class VersionView implements VersionTimeline.Listener, AutoCloseable {

    /**
     * Something to tell about a version, or about a candidate that did not become one.
     *
     * @param number of the telling; later ones are larger, across restarts of the page too
     * @param details JSON for the page
     */
    record Told(long number, String details) {}

    private static final Logger LOG = LoggerFactory.getLogger(VersionView.class);

    private static final int VERSIONS_KEPT = 500;
    private static final int HELD_BACK_KEPT = 50; // apart, so that they push no version out
    private static final long NUMBERS_PER_MILLI = 1000;

    private final JsonMapper json = new JsonMapper();
    private final Map<Long, Told> versions = new LinkedHashMap<>(); // by offset, in the order of the telling
    private final Map<Long, Told> heldBack = new LinkedHashMap<>(); // likewise
    private Taxonomy taxonomy;
    private long nextNumber = System.currentTimeMillis() * NUMBERS_PER_MILLI;
    private boolean closed;

    /** @param base the classes of version 0 */
    VersionView(Taxonomy base) {
        taxonomy = base;
    }

    /** The classes as of the newest version. */
    synchronized Taxonomy taxonomy() {
        return taxonomy;
    }

    @Override
    public synchronized void version(long offset, ParameterVersion version, @Nullable Lesson lesson) {
        if (lesson == null) {
            learn(version);
        }
        keep(versions, VERSIONS_KEPT, offset, details(offset, version, lesson));
    }

    @Override
    public synchronized void heldBack(long offset, HeldBackCandidate candidate) {
        keep(heldBack, HELD_BACK_KEPT, offset, details(offset, candidate));
    }

    private synchronized void keep(Map<Long, Told> shown, int most, long offset, ObjectNode details) {
        shown.remove(offset); // it goes to the end
        shown.put(offset, new Told(nextNumber++, details.toString()));
        for (Iterator<Long> oldest = shown.keySet().iterator(); shown.size() > most; ) {
            oldest.next();
            oldest.remove();
        }
        notifyAll();
    }

    private void learn(ParameterVersion version) {
        try {
            taxonomy = taxonomy.plus(version.getTaxonomyDelta().stream()
                    .map(added -> new Taxonomy.ClassName(added.getSuperclass(), added.getSubclass()))
                    .toList());
        } catch (IllegalArgumentException e) {
            LOG.warn("the classes of version {} do not fit those before: {}", version.getVersion(), e.getMessage());
        }
    }

    private ObjectNode details(long offset, ParameterVersion version, @Nullable Lesson lesson) {
        ObjectNode node = json.createObjectNode()
                .put("offset", offset)
                .put("version", version.getVersion())
                .put("parent", version.getParent() == null ? 0 : version.getParent())
                .put("createdAt", version.getCreatedAt().toEpochMilli())
                .put("step", version.getStep())
                .put("slices", version.getSlices())
                .put("publisher", version.getPublisher())
                .put("comment", version.getComment());
        figures(node, version.getTrainingLoss(), version.getGate());
        ArrayNode added = node.putArray("added");
        for (TaxonomyEntry entry : version.getTaxonomyDelta()) {
            added.addObject().put("superclass", entry.getSuperclass()).put("subclass", entry.getSubclass());
        }
        if (lesson != null) {
            ObjectNode taught = node.putObject("lesson").put("isWhole", lesson.isWhole());
            ArrayNode images = taught.putArray("images");
            lesson.images()
                    .forEach((subclass, count) ->
                            images.addObject().put("subclass", subclass).put("count", count));
            if (lesson.freshness() != null) {
                taught.put("freshnessMillis", lesson.freshness().toMillis());
            }
        }
        return node;
    }

    private ObjectNode details(long offset, HeldBackCandidate candidate) {
        ObjectNode node = json.createObjectNode()
                .put("offset", offset)
                .put("heldBack", true)
                .put("rolledBack", candidate.getRolledBack())
                .put("parent", candidate.getParent())
                .put("createdAt", candidate.getMeasuredAt().toEpochMilli())
                .put("step", candidate.getStep())
                .put("publisher", candidate.getPublisher());
        figures(node, candidate.getTrainingLoss(), candidate.getGate());
        return node;
    }

    private static void figures(ObjectNode node, @Nullable Double trainingLoss, List<GateResult> results) {
        if (trainingLoss != null) {
            node.put("trainingLoss", trainingLoss);
        }
        ArrayNode gate = node.putArray("gate");
        for (GateResult result : results) {
            gate.addObject()
                    .put("group", result.getGroup())
                    .put("metric", result.getMetric())
                    .put("before", result.getBefore())
                    .put("after", result.getAfter());
        }
    }

    /** The known classes by superclass, and how large a file may be, as JSON. */
    synchronized String about() {
        ObjectNode about = json.createObjectNode().put("largestFileBytes", LabeledImagePosts.LARGEST_FILE_BYTES);
        ArrayNode all = about.putArray("classes");
        List<ArrayNode> members = new ArrayList<>();
        for (String superclass : taxonomy.superclasses()) {
            members.add(all.addObject().put("superclass", superclass).putArray("subclasses"));
        }
        taxonomy.subclasses()
                .forEach(subclass -> members.get(subclass.superclass()).add(subclass.name()));
        return about.toString();
    }

    /** What was told after that number, in its order; waits for something at most so long, and may give nothing. */
    synchronized List<Told> after(long number, Duration wait) throws InterruptedException {
        long end = System.nanoTime() + wait.toNanos();
        while (!closed && nextNumber - 1 <= number) {
            long nanos = end - System.nanoTime();
            if (nanos <= 0) {
                return List.of();
            }
            TimeUnit.NANOSECONDS.timedWait(this, nanos);
        }
        return Stream.of(versions, heldBack)
                .flatMap(shown -> shown.values().stream())
                .filter(told -> told.number > number)
                .sorted(Comparator.comparingLong(Told::number))
                .toList();
    }

    synchronized boolean isClosed() {
        return closed;
    }

    /** Ends the waiting of all readers. */
    @Override
    public synchronized void close() {
        closed = true;
        notifyAll();
    }
}
