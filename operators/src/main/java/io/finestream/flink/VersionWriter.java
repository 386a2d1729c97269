package io.finestream.flink;

import io.finestream.dit.Taxonomy;
import io.finestream.schemas.GateResult;
import io.finestream.schemas.HeldBackCandidate;
import io.finestream.schemas.OffsetRange;
import io.finestream.schemas.ParameterSlice;
import io.finestream.schemas.ParameterVersion;
import io.finestream.schemas.TaxonomyEntry;
import io.finestream.schemas.wire.AvroCodec;
import io.finestream.schemas.wire.WireFormat;
import io.finestream.tuning.FineTuner;
import io.finestream.tuning.Gate;
import io.finestream.tuning.Release;
import io.finestream.versions.ParameterSlices;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Versions as records of the parameters topic: the slices, then the commit record with the images it was trained on. */
final class VersionWriter {

    private record Partition(String topic, int partition) {}

    private final AvroCodec<ParameterSlice> sliceCodec;
    private final AvroCodec<ParameterVersion> commitCodec;
    private final AvroCodec<HeldBackCandidate> heldBackCodec;
    private final String publisher;
    private final String baseHash;
    private final Map<Partition, OffsetRange> taken = new LinkedHashMap<>();

    VersionWriter(WireFormat wireFormat, String publisher, String baseHash) {
        sliceCodec = new AvroCodec<>(ParameterSlice.class, wireFormat);
        commitCodec = new AvroCodec<>(ParameterVersion.class, wireFormat);
        heldBackCodec = new AvroCodec<>(HeldBackCandidate.class, wireFormat);
        this.publisher = publisher;
        this.baseHash = baseHash;
    }

    /** Notes a labeled image that the next version has been trained on. */
    void took(SourceRecord record) {
        OffsetRange range = taken.computeIfAbsent(
                new Partition(record.topic(), record.partition()),
                partition -> new OffsetRange(record.topic(), record.partition(), record.offset(), record.offset()));
        range.setLastOffset(record.offset());
    }

    /** The records of a version, in the order in which they must be written. */
    List<KeyedRecord> records(Release release, List<Gate.Result> gate, Instant now) {
        List<KeyedRecord> records = new ArrayList<>();
        for (ParameterSlice slice : release.slices()) {
            records.add(record(ParameterSlices.key(slice), sliceCodec.encode(slice)));
        }
        ParameterVersion commit = ParameterVersion.newBuilder()
                .setVersion(release.version())
                .setParent(release.parent() == 0 ? null : release.parent())
                .setBaseModelHash(baseHash)
                .setTaxonomyDelta(entries(release.addedClasses()))
                .setStep(release.step())
                .setTrainingLoss(known(release.averageLoss()))
                .setGate(results(gate))
                .setTrainedOffsets(takenOffsets())
                .setSlices(release.slices().size())
                .setCreatedAt(now)
                .setPublisher(publisher)
                .build();
        records.add(record(ParameterSlices.key(commit), commitCodec.encode(commit)));
        taken.clear();
        return records;
    }

    /** The record of a candidate that does not become a version. */
    KeyedRecord heldBack(FineTuner.Progress tuner, FineTuner.Verdict verdict, Instant now) {
        HeldBackCandidate candidate = HeldBackCandidate.newBuilder()
                .setParent(tuner.version())
                .setStep(tuner.step())
                .setTrainingLoss(known(tuner.averageLoss()))
                .setGate(results(verdict.results()))
                .setRolledBack(verdict.rolledBack())
                .setMeasuredAt(now)
                .setPublisher(publisher)
                .build();
        return record(ParameterSlices.key(candidate), heldBackCodec.encode(candidate));
    }

    private static @Nullable Double known(double averageLoss) {
        return Double.isNaN(averageLoss) ? null : averageLoss;
    }

    private static List<GateResult> results(List<Gate.Result> gate) {
        return gate.stream()
                .map(result -> new GateResult(result.group(), Gate.Result.METRIC, result.before(), result.after()))
                .toList();
    }

    private static KeyedRecord record(String key, byte[] value) {
        return new KeyedRecord(key.getBytes(StandardCharsets.UTF_8), value);
    }

    static List<TaxonomyEntry> entries(List<Taxonomy.ClassName> classes) {
        return classes.stream()
                .map(name -> new TaxonomyEntry(name.superclass(), name.subclass()))
                .toList();
    }

    /** The labeled images since the last version. */
    List<OffsetRange> takenOffsets() {
        return List.copyOf(taken.values());
    }

    /** Goes on from saved {@link #takenOffsets}. */
    void restore(List<OffsetRange> ranges) {
        ranges.forEach(range -> taken.put(new Partition(range.getTopic(), range.getPartition()), range));
    }
}
