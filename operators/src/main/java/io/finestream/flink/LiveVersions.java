package io.finestream.flink;

import io.finestream.diffusion.DenoiseBatch;
import io.finestream.diffusion.FairShare;
import io.finestream.diffusion.Noise;
import io.finestream.diffusion.SampleSpec;
import io.finestream.dit.Taxonomy;
import io.finestream.schemas.GenerationRequest;
import io.finestream.schemas.LiveVersion;
import io.finestream.schemas.Trajectory;
import io.finestream.versions.TunedModel;
import io.finestream.weights.GenerativeModel;
import io.finestream.weights.WeightsException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The versions of the parameters that trajectories run on: a group each, with a running batch and the version's tensors,
 * and one budget of rows for all groups together, which {@link FairShare} divides. What is new joins the newest group; an older one is freed when its
 * last trajectory has ended.
 */
final class LiveVersions implements AutoCloseable {

    /** @param saved null for the base model, version 0 */
    private record Group(@Nullable LiveVersion saved, TunedModel model, DenoiseBatch<Trajectory> batch) {
        long version() {
            return saved == null ? 0 : saved.getCommit().getVersion();
        }
    }

    private final GenerativeModel model;
    private final int maxRows;
    private final GenerationSettings.Swap swap;
    private final FairShare share;
    private final List<Group> groups = new CopyOnWriteArrayList<>(); // oldest first; metrics read it in their thread
    private volatile Group newest;
    private long stepsDone; // of groups that are gone
    private long rowsDone;

    /**
     * Begins with the base model.
     *
     * @param maxRows most rows of one pass of the network
     */
    LiveVersions(GenerativeModel model, int maxRows, GenerationSettings.Swap swap) {
        this.model = model;
        this.maxRows = maxRows;
        this.swap = swap;
        share = new FairShare(maxRows);
        newest = group(null, TunedModel.base(model));
        groups.add(newest);
    }

    private Group group(@Nullable LiveVersion version, TunedModel tuned) {
        return new Group(version, tuned, new DenoiseBatch<>(tuned.diffusion(), maxRows, Noise.SEEDED, tuned.memory()));
    }

    /** Takes up the versions of a saved state, before its trajectories. */
    void restore(Collection<LiveVersion> saved) throws WeightsException {
        List<LiveVersion> inOrder = saved.stream()
                .sorted(Comparator.comparingLong(LiveVersion::getNextOffset))
                .toList();
        for (LiveVersion version : inOrder) {
            add(version);
        }
    }

    /** Makes {@code version} the newest. With an immediate swap, every trajectory goes over to it. */
    void swapTo(LiveVersion version) throws WeightsException {
        add(version);
        if (swap == GenerationSettings.Swap.IMMEDIATE) {
            for (Group group : groups) {
                if (group != newest) {
                    group.batch().inFlight().forEach(this::moveToNewest);
                    drop(group);
                }
            }
        }
        dropDrained();
    }

    private void add(LiveVersion version) throws WeightsException {
        Group added = group(version, TunedModel.of(model, version));
        groups.add(added);
        newest = added;
    }

    private void moveToNewest(DenoiseBatch.InFlight<Trajectory> sample) {
        sample.tag().setModelVersion(newest.version());
        newest.batch().resume(sample);
    }

    /** Frees the groups that nothing runs on any more. */
    void dropDrained() {
        for (Group group : groups) {
            if (group != newest && group.batch().isEmpty()) {
                drop(group);
            }
        }
    }

    private void drop(Group group) {
        stepsDone += group.batch().stepsDone();
        rowsDone += group.batch().rowsDone();
        groups.remove(group);
        group.model().close();
    }

    long newestVersion() {
        return newest.version();
    }

    /** The newest classes. */
    Taxonomy taxonomy() {
        return newest.model().taxonomy();
    }

    int count() {
        return groups.size();
    }

    /** Whether a sample of {@code request} joins those in flight. */
    boolean hasRoomFor(GenerationRequest request, SampleSpec spec) {
        return share.hasRoomFor(demand(request, newest.batch().firstRows(spec)), demands());
    }

    /** Rows that each request takes of the next step. */
    Map<String, Integer> rowsByRequest() {
        Map<String, Integer> rows = new HashMap<>();
        demands().forEach(demand -> rows.merge(demand.request(), demand.rows(), Integer::sum));
        return rows;
    }

    private List<FairShare.Demand> demands() {
        return progress().stream()
                .map(sample -> demand(sample.tag().getRequest(), sample.rows()))
                .toList();
    }

    private static FairShare.Demand demand(GenerationRequest request, int rows) {
        return new FairShare.Demand(request.getRequestId(), AdmissionQueue.urgency(request), rows);
    }

    /** Starts a trajectory of the newest version. */
    void admit(Trajectory trajectory, SampleSpec spec) {
        newest.batch().admit(trajectory, spec);
    }

    /** Takes a saved trajectory up again, with the version that it is pinned to. */
    void resume(DenoiseBatch.InFlight<Trajectory> saved) {
        long version = saved.tag().getModelVersion();
        for (Group group : groups) {
            if (group.version() == version) {
                group.batch().resume(saved);
                return;
            }
        }
        throw new IllegalStateException("a saved trajectory is of version " + version + ", the saved state holds "
                + groups.stream().map(Group::version).toList()
                + "; start from another checkpoint, or without the saved state");
    }

    /** Advances the trajectories whose turn it is by one step, and returns those done. */
    List<DenoiseBatch.Finished<Trajectory>> step(DenoiseBatch.Estimates<Trajectory> estimates) {
        BitSet chosen = share.choose(demands());
        List<DenoiseBatch.Finished<Trajectory>> finished = new ArrayList<>();
        long rows = rowsDone();
        long start = System.nanoTime();
        int first = 0;
        for (Group group : groups) {
            int end = first + group.batch().size();
            finished.addAll(group.batch().step(chosen.get(first, end).stream().toArray(), estimates));
            first = end;
        }
        share.took((int) (rowsDone() - rows), System.nanoTime() - start);
        dropDrained();
        return finished;
    }

    /** Nanoseconds of the steps done last; 0 before the first. */
    double recentStepNanos() {
        return share.times().recent();
    }

    /** How far each trajectory is, oldest versions first. */
    List<DenoiseBatch.Progress<Trajectory>> progress() {
        return groups.stream()
                .flatMap(group -> group.batch().progress().stream())
                .toList();
    }

    /** Lets a trajectory go on in {@code left} steps, which are fewer than it has. */
    void shorten(Trajectory trajectory, int left) {
        groups.forEach(group -> group.batch().shorten(trajectory, left));
    }

    /** Ends trajectories before their image, and returns how far they were. */
    List<DenoiseBatch.Progress<Trajectory>> drop(Predicate<Trajectory> unwanted) {
        List<DenoiseBatch.Progress<Trajectory>> dropped = progress().stream()
                .filter(sample -> unwanted.test(sample.tag()))
                .toList();
        if (!dropped.isEmpty()) {
            groups.forEach(group -> group.batch().drop(unwanted));
            dropDrained();
        }
        return dropped;
    }

    /** The trajectories as a checkpoint needs them. */
    List<DenoiseBatch.InFlight<Trajectory>> inFlight() {
        return groups.stream()
                .flatMap(group -> group.batch().inFlight().stream())
                .toList();
    }

    /** The versions as a checkpoint needs them; the base model is not among them. */
    List<LiveVersion> saved() {
        List<LiveVersion> saved = new ArrayList<>();
        for (Group group : groups) {
            if (group.saved() != null) {
                saved.add(group.saved());
            }
        }
        return saved;
    }

    int size() {
        return groups.stream().mapToInt(group -> group.batch().size()).sum();
    }

    boolean isEmpty() {
        return size() == 0;
    }

    /** Passes of the network so far. */
    long stepsDone() {
        return stepsDone
                + groups.stream().mapToLong(group -> group.batch().stepsDone()).sum();
    }

    /** Rows of all passes so far. */
    long rowsDone() {
        return rowsDone
                + groups.stream().mapToLong(group -> group.batch().rowsDone()).sum();
    }

    @Override
    public void close() {
        groups.forEach(group -> group.model().close());
    }
}
