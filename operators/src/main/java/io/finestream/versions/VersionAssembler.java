package io.finestream.versions;

import io.finestream.schemas.HeldBackCandidate;
import io.finestream.schemas.LiveVersion;
import io.finestream.schemas.ParameterSlice;
import io.finestream.schemas.ParameterVersion;
import io.finestream.schemas.TaxonomyEntry;
import io.finestream.schemas.wire.AvroCodec;
import io.finestream.schemas.wire.WireFormat;
import io.finestream.schemas.wire.WireFormatException;
import io.finestream.weights.Adapter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Puts versions together from the records of the parameters topic, in the order of the log: each version is the one
 * before it with its slices in their places.
 *
 * <p>The topic is compacted, so a late reader misses slices of older versions that newer ones have superseded. Once a
 * version came with fewer slices than its commit record says, no version can be relied on before the reader has come to
 * the end of the log: whatever superseded the missing slices is there by then. See RATIONALE.md.
 *
 * <p>Not thread-safe, but the versions that it gives are never changed again.
 */
public final class VersionAssembler {

    /**
     * A commit record.
     *
     * @param offset of it in the topic
     */
    public record Commit(ParameterVersion version, long offset) {}

    private final AvroCodec<ParameterSlice> sliceCodec;
    private final AvroCodec<ParameterVersion> commitCodec;
    private final AvroCodec<HeldBackCandidate> heldBackCodec;
    private final Function<String, @Nullable ParameterSlice> baseTensors;
    private final Map<String, TensorAssembly> tensors = new LinkedHashMap<>();
    private final Map<Long, Integer> collected = new HashMap<>(); // slices by version, until its commit record
    private final List<ParameterSlice> pending = new ArrayList<>(); // since the last commit record
    private final List<TaxonomyEntry> addedClasses = new ArrayList<>();
    private Consumer<Commit> listener = commit -> {};
    private @Nullable String baseHash;
    private @Nullable ParameterVersion newest;
    private long nextOffset;
    private boolean exact = true; // whether the tensors are those of the newest version
    private int missing; // slices of the newest version

    VersionAssembler(
            WireFormat wireFormat, @Nullable String baseHash, Function<String, @Nullable ParameterSlice> baseTensors) {
        sliceCodec = new AvroCodec<>(ParameterSlice.class, wireFormat);
        commitCodec = new AvroCodec<>(ParameterVersion.class, wireFormat);
        heldBackCodec = new AvroCodec<>(HeldBackCandidate.class, wireFormat);
        this.baseHash = baseHash;
        this.baseTensors = baseTensors;
    }

    /** For versions of one base model; {@code base} gives what no version has changed. */
    public static VersionAssembler of(WireFormat wireFormat, BaseTensors base) {
        return new VersionAssembler(wireFormat, base.hash(), base);
    }

    /** For versions of whatever base model the first one names; tensors are whole only if every row was published. */
    public static VersionAssembler withoutBase(WireFormat wireFormat) {
        return new VersionAssembler(wireFormat, null, name -> null);
    }

    /** Told about every commit record from now on. */
    public VersionAssembler listener(Consumer<Commit> told) {
        listener = told;
        return this;
    }

    /**
     * Goes on from a version; the next record is that at its {@code nextOffset}.
     *
     * @throws VersionException if it is of another base model
     */
    public void resume(LiveVersion version) throws VersionException {
        requireBase(version.getCommit());
        version.getTensors().forEach(tensor -> tensors.put(tensor.getTensor(), TensorAssembly.of(tensor)));
        addedClasses.addAll(version.getAddedClasses());
        newest = version.getCommit();
        nextOffset = version.getNextOffset();
    }

    /** Offset of the record after the newest commit record; 0 before the first. */
    public long nextOffset() {
        return nextOffset;
    }

    /**
     * Takes the next record.
     *
     * @return whether {@link #version} is a new one
     * @throws VersionException if the record is none of this topic, is damaged, or is of another base model
     */
    public boolean accept(long offset, byte[] value) throws VersionException {
        try {
            if (sliceCodec.holds(value)) {
                ParameterSlice slice = sliceCodec.decode(value);
                pending.add(slice);
                collected.merge(slice.getVersion(), 1, Integer::sum);
                return false;
            }
            if (heldBackCodec.holds(value)) {
                return false; // it is for people
            }
            ParameterVersion commit = commitCodec.decode(value);
            requireBase(commit);
            for (ParameterSlice slice : pending) {
                put(slice);
            }
            pending.clear();
            commit(commit, offset);
            return exact;
        } catch (WireFormatException e) {
            throw new VersionException(
                    "the record at offset " + offset + " of the parameters topic can not be read: it " + e.getMessage(),
                    e);
        }
    }

    private void put(ParameterSlice slice) throws VersionException {
        TensorAssembly tensor = tensors.get(slice.getTensor());
        if (tensor == null) {
            ParameterSlice base = baseTensors.apply(slice.getTensor());
            tensor = base == null
                    ? TensorAssembly.empty(slice.getTensor(), ParameterSlices.shape(slice))
                    : TensorAssembly.of(base);
            tensors.put(slice.getTensor(), tensor);
        }
        tensor.put(slice);
    }

    private void commit(ParameterVersion commit, long offset) {
        // of two publishers that took the same number, one may find the other's slices among its own
        int left = collected.getOrDefault(commit.getVersion(), 0) - commit.getSlices();
        collected.remove(commit.getVersion());
        if (left > 0) {
            collected.put(commit.getVersion(), left);
        }
        missing = Math.max(0, -left);
        exact &= missing == 0;
        addedClasses.addAll(commit.getTaxonomyDelta());
        newest = commit;
        nextOffset = offset + 1;
        listener.accept(new Commit(commit, offset));
    }

    /** Whether {@link #version} has to wait for the end of the log. */
    public boolean waitsForEnd() {
        return !exact && pending.isEmpty();
    }

    /**
     * Told that there was no further record in the topic at some moment after the last record was read.
     *
     * @return whether {@link #version} is a new one
     * @throws VersionException if the newest version lacks slices, which nothing can have superseded
     */
    public boolean atEnd() throws VersionException {
        if (!waitsForEnd()) {
            return false;
        }
        if (newest != null && missing > 0) {
            throw new VersionException("version " + newest.getVersion() + " came with "
                    + (newest.getSlices() - missing) + " of its " + newest.getSlices()
                    + " slices; publish it again, all of it in one transaction");
        }
        exact = true;
        return true;
    }

    /** Whether there is a {@link #version}. */
    public boolean isWhole() {
        return newest != null && exact;
    }

    /** What the newest commit record said; null before the first. */
    public @Nullable ParameterVersion newest() {
        return newest;
    }

    /** Shapes of the tensors that differ from the base model's, by name. */
    public Map<String, long[]> shapes() {
        Map<String, long[]> shapes = new LinkedHashMap<>();
        tensors.forEach((name, tensor) -> shapes.put(name, tensor.shape()));
        return shapes;
    }

    /**
     * The newest version, whole.
     *
     * @throws VersionException if rows of a tensor are missing
     * @throws IllegalStateException if there is none, or it waits for the end of the log
     */
    public LiveVersion version() throws VersionException {
        if (newest == null || !exact) {
            throw new IllegalStateException("no version is whole yet");
        }
        List<ParameterSlice> whole = new ArrayList<>();
        for (TensorAssembly tensor : tensors.values()) {
            whole.add(tensor.whole());
        }
        return LiveVersion.newBuilder()
                .setCommit(newest)
                .setNextOffset(nextOffset)
                .setAddedClasses(List.copyOf(addedClasses))
                .setTensors(whole)
                .build();
    }

    private void requireBase(ParameterVersion commit) throws VersionException {
        if (baseHash == null) {
            baseHash = commit.getBaseModelHash();
        }
        if (!commit.getBaseModelHash().equals(baseHash)) {
            throw new VersionException("version " + commit.getVersion() + " was trained on base "
                    + Adapter.shortened(commit.getBaseModelHash()) + ", the base model here is "
                    + Adapter.shortened(baseHash)
                    + "; start with the base model that it was trained on, or with another topic");
        }
    }
}
