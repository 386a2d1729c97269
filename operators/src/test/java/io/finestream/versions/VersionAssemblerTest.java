package io.finestream.versions;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.finestream.dit.DiTParameters;
import io.finestream.schemas.HeldBackCandidate;
import io.finestream.schemas.LiveVersion;
import io.finestream.schemas.ParameterSlice;
import io.finestream.schemas.ParameterVersion;
import io.finestream.schemas.TaxonomyEntry;
import io.finestream.schemas.TensorType;
import io.finestream.schemas.wire.AvroCodec;
import io.finestream.schemas.wire.WireFormat;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class VersionAssemblerTest {

    private static final WireFormat WIRE = new WireFormat.SingleObject();
    private static final String TABLE = DiTParameters.SUBCLASS_TABLE;
    private static final String BIAS = "blocks.0.attn.qkv.bias";
    private static final int WIDTH = 4;

    /** A record of the topic. */
    private record Entry(long offset, String key, byte[] value) {}

    private final AvroCodec<ParameterSlice> sliceCodec = new AvroCodec<>(ParameterSlice.class, WIRE);
    private final AvroCodec<ParameterVersion> commitCodec = new AvroCodec<>(ParameterVersion.class, WIRE);
    private final List<Entry> log = new ArrayList<>();
    private final Map<String, ParameterSlice> base =
            Map.of(TABLE, SliceOf.tensor(TABLE, 5, WIDTH), BIAS, SliceOf.tensor(BIAS, 12));
    private final Map<String, ParameterSlice> current = new HashMap<>(base);
    private int changes;

    @Test
    void aVersionIsTheOneBeforeItWithItsSlicesInTheirPlaces() throws Exception {
        VersionAssembler reader = reader();
        publish(1, List.of(changed(TABLE, 1)));
        publish(2, List.of(changed(TABLE, 3), changed(BIAS, 0)));
        assertThat(read(reader, log.subList(0, 2))).isEqualTo(1);
        LiveVersion first = reader.version();
        List<Float> table = floats(first, TABLE);
        assertThat(first.getTensors()).as("only what was changed").hasSize(1);
        assertThat(table.subList(0, WIDTH)).as("a row that no version changed").isEqualTo(row(base.get(TABLE), 0));
        read(reader, log.subList(2, log.size()));
        LiveVersion second = reader.version();
        assertThat(second.getCommit().getVersion()).isEqualTo(2);
        assertThat(second.getNextOffset()).isEqualTo(log.size());
        assertThat(values(second)).isEqualTo(values(current));
        assertThat(floats(first, TABLE))
                .as("a version that was given away stays as it is")
                .isEqualTo(table);
    }

    @Test
    void aVersionIsNotThereBeforeItsCommitRecord() throws Exception {
        publish(1, List.of(changed(TABLE, 1), changed(TABLE, 2)));
        VersionAssembler reader = reader();
        assertThat(read(reader, log.subList(0, 2))).isZero();
        assertThat(reader.isWhole()).isFalse();
        assertThat(reader.atEnd()).isFalse();
        assertThat(read(reader, log.subList(2, 3))).isEqualTo(1);
    }

    /**
     * The log as the broker leaves it: in a part that was cleaned, a record is gone if a later one of that part has its
     * key. Whatever the reader gives must be what that version was.
     */
    @Test
    void aLateReaderOfACompactedTopicGivesTheNewestVersionAndNoWrongOne() throws Exception {
        Random random = new Random(7);
        for (int run = 0; run < 300; run++) {
            log.clear();
            current.clear();
            current.putAll(base);
            Map<Long, Map<String, List<Float>>> published = new HashMap<>();
            int versions = 1 + random.nextInt(6);
            for (int version = 1; version <= versions; version++) {
                Map<Integer, ParameterSlice> slices = new TreeMap<>();
                for (int i = random.nextInt(4); i >= 0; i--) {
                    int row = random.nextInt(6);
                    slices.put(row, row == 5 ? changed(BIAS, 0) : changed(TABLE, row));
                }
                publish(version, List.copyOf(slices.values()));
                published.put((long) version, values(current));
            }
            List<Entry> compacted = compacted(random.nextInt(log.size() + 1));
            VersionAssembler reader = reader();
            for (Entry entry : compacted) {
                if (reader.accept(entry.offset(), entry.value())) {
                    assertAsPublished(reader, published);
                }
            }
            if (reader.atEnd()) {
                assertAsPublished(reader, published);
            }
            assertThat(reader.version().getCommit().getVersion()).isEqualTo(versions);
        }
    }

    private static void assertAsPublished(VersionAssembler reader, Map<Long, Map<String, List<Float>>> published)
            throws Exception {
        LiveVersion version = reader.version();
        Map<String, List<Float>> expected =
                new HashMap<>(published.get(version.getCommit().getVersion()));
        expected.keySet().retainAll(values(version).keySet()); // the others are still the base model's
        assertThat(values(version)).isEqualTo(expected);
    }

    private List<Entry> compacted(int cleaned) {
        Map<String, Long> last = new HashMap<>();
        log.subList(0, cleaned).forEach(entry -> last.put(entry.key(), entry.offset()));
        return log.stream()
                .filter(entry -> entry.offset() >= cleaned || last.get(entry.key()) == entry.offset())
                .toList();
    }

    @Test
    void aReaderGoesOnFromASavedVersion() throws Exception {
        publish(1, List.of(changed(TABLE, 1)));
        VersionAssembler first = reader();
        read(first, log);
        LiveVersion saved = first.version();
        publish(2, List.of(changed(TABLE, 2)));
        VersionAssembler second = reader();
        second.resume(saved);
        assertThat(second.nextOffset()).isEqualTo(2);
        read(second, log.subList(2, log.size()));
        assertThat(values(second.version()).get(TABLE))
                .isEqualTo(values(current).get(TABLE));
    }

    @Test
    void classesAreAddedWithTheirRows() throws Exception {
        publish(1, List.of(changed(TABLE, 1)));
        current.put(TABLE, SliceOf.grown(current.get(TABLE), 2));
        publish(2, List.of(changed(TABLE, 5), changed(TABLE, 6)), entry("lilies", "star"), entry("new", "newer"));
        publish(3, List.of(changed(TABLE, 0)));
        VersionAssembler reader = reader();
        read(reader, log);
        LiveVersion version = reader.version();
        assertThat(version.getAddedClasses()).containsExactly(entry("lilies", "star"), entry("new", "newer"));
        assertThat(floats(version, TABLE))
                .hasSize(7 * WIDTH)
                .isEqualTo(values(current).get(TABLE));
        assertThat(reader.shapes().get(TABLE)).containsExactly(7, WIDTH);
    }

    @Test
    void aRowThatCameWithNoVersionIsMissed() throws Exception {
        current.put(TABLE, SliceOf.grown(current.get(TABLE), 2));
        publish(1, List.of(changed(TABLE, 6)), entry("lilies", "star"), entry("new", "newer"));
        VersionAssembler reader = reader();
        read(reader, log);
        assertRefused(reader::version, "row 5 of tensor " + TABLE);
    }

    @Test
    void withoutTheBaseModelWhatNoVersionChangedIsMissed() throws Exception {
        publish(1, List.of(changed(TABLE, 1)));
        VersionAssembler reader = VersionAssembler.withoutBase(WIRE);
        read(reader, log);
        assertRefused(reader::version, "row 0 of tensor " + TABLE, "name that model");
    }

    @Test
    void aVersionThatLacksASliceIsRefusedAtTheEndOfTheLog() throws Exception {
        publish(1, List.of(changed(TABLE, 1), changed(TABLE, 2)));
        log.remove(0);
        VersionAssembler reader = reader();
        assertThat(read(reader, log)).isZero();
        assertRefused(reader::atEnd, "version 1 came with 1 of its 2 slices");
    }

    @Test
    void twoPublishersThatTookOneNumberDoNotHinderEachOther() throws Exception {
        publish(1, List.of(changed(TABLE, 1)));
        publish(1, List.of(changed(TABLE, 1), changed(TABLE, 2)));
        List<Entry> interleaved = List.of(log.get(0), log.get(2), log.get(3), log.get(1), log.get(4));
        VersionAssembler reader = reader();
        assertThat(read(reader, interleaved)).isEqualTo(2);
        assertThat(values(reader.version()).get(TABLE))
                .isEqualTo(values(current).get(TABLE));
    }

    @Test
    void aDamagedSliceIsRefused() throws Exception {
        ParameterSlice slice = changed(TABLE, 1);
        slice.setCrc32(slice.getCrc32() ^ 1);
        publish(1, List.of(slice));
        assertRefused(() -> read(reader(), log), "[1:2] of version 1 is damaged", "CRC-32");
    }

    @Test
    void aSliceOfAnotherShapeIsRefused() throws Exception {
        publish(1, List.of(SliceOf.tensor(BIAS, 12, 2)));
        assertRefused(() -> read(reader(), log), BIAS + "[0:12]", "shape [12]");
    }

    @Test
    void aVersionOfAnotherBaseIsRefusedWhateverItsTensorsLookLike() throws Exception {
        publish(16, List.of(SliceOf.tensor(BIAS, 99, 2)));
        ParameterVersion commit = SliceOf.commit(17, 1);
        commit.setBaseModelHash("3fa1".repeat(16));
        List<Entry> wrong = List.of(log.get(0), new Entry(1, "", commitCodec.encode(commit)));
        assertRefused(
                () -> read(reader(), wrong),
                "version 17 was trained on base 3fa13fa13fa1…, the base model here is ba5eba5eba5e…");
    }

    @Test
    void aCandidateThatWasHeldBackIsPassedOver() throws Exception {
        HeldBackCandidate candidate = HeldBackCandidate.newBuilder()
                .setParent(7)
                .setStep(100)
                .setMeasuredAt(Instant.EPOCH)
                .build();
        byte[] value = new AvroCodec<>(HeldBackCandidate.class, WIRE).encode(candidate);
        VersionAssembler reader = reader();
        assertThat(reader.accept(0, value)).isFalse();
        assertThat(reader.newest()).isNull();
    }

    @Test
    void aRecordOfAnotherKindIsRefused() {
        List<Entry> wrong = List.of(new Entry(4, "", new byte[] {1, 2, 3}));
        assertRefused(() -> read(reader(), wrong), "offset 4");
    }

    @Test
    void halfPrecisionIsRead() throws Exception {
        short[] bfloat16 = {(short) 0x3f80, (short) 0xc000, 0, (short) 0x7f80}; // 1, -2, 0, infinity
        short[] float16 = {(short) 0x3c00, (short) 0xc000, 1, (short) 0x7c00}; // 1, -2, 2^-24, infinity
        publish(1, List.of(half(TensorType.BF16, 0, bfloat16), half(TensorType.F16, 1, float16)));
        VersionAssembler reader = reader();
        read(reader, log);
        assertThat(floats(reader.version(), TABLE).subList(0, 2 * WIDTH))
                .containsExactly(1f, -2f, 0f, Float.POSITIVE_INFINITY, 1f, -2f, 0x1p-24f, Float.POSITIVE_INFINITY);
    }

    private ParameterSlice half(TensorType type, int row, short[] bits) {
        ByteBuffer data = ByteBuffer.allocate(2 * bits.length).order(ByteOrder.LITTLE_ENDIAN);
        data.asShortBuffer().put(bits);
        ParameterSlice slice = changed(TABLE, row);
        slice.setDtype(type);
        slice.setData(data);
        slice.setCrc32(ParameterSlices.crc32(data));
        return slice;
    }

    private VersionAssembler reader() {
        return new VersionAssembler(WIRE, SliceOf.BASE, base::get);
    }

    /** Changes a slice of {@link #current}, by the number of its row. */
    private ParameterSlice changed(String tensor, int row) {
        ParameterSlice before = current.get(tensor);
        ParameterSlice after = SliceOf.copy(before);
        SliceOf.set(after, row * WIDTH, ++changes);
        List<ParameterSlice> changed = ParameterSlices.changed(0, List.of(after), Map.of(tensor, before));
        current.put(tensor, after);
        assertThat(changed).hasSize(1);
        return changed.get(0);
    }

    private void publish(long version, List<ParameterSlice> slices, TaxonomyEntry... added) {
        for (ParameterSlice slice : slices) {
            slice.setVersion(version);
            log.add(new Entry(log.size(), ParameterSlices.key(slice), sliceCodec.encode(slice)));
        }
        ParameterVersion commit = SliceOf.commit(version, slices.size(), added);
        log.add(new Entry(log.size(), ParameterSlices.key(commit), commitCodec.encode(commit)));
    }

    /** How many versions the records made. */
    private static int read(VersionAssembler reader, List<Entry> records) throws VersionException {
        int versions = 0;
        for (Entry entry : records) {
            versions += reader.accept(entry.offset(), entry.value()) ? 1 : 0;
        }
        return versions;
    }

    private static TaxonomyEntry entry(String superclass, String subclass) {
        return new TaxonomyEntry(superclass, subclass);
    }

    private static Map<String, List<Float>> values(LiveVersion version) {
        Map<String, List<Float>> values = new HashMap<>();
        version.getTensors().forEach(tensor -> values.put(tensor.getTensor(), floats(tensor)));
        return values;
    }

    private static Map<String, List<Float>> values(Map<String, ParameterSlice> tensors) {
        Map<String, List<Float>> values = new HashMap<>();
        tensors.forEach((name, tensor) -> values.put(name, floats(tensor)));
        return values;
    }

    private static List<Float> floats(LiveVersion version, String tensor) {
        return values(version).get(tensor);
    }

    private static List<Float> row(ParameterSlice tensor, int row) {
        return floats(tensor).subList(row * WIDTH, (row + 1) * WIDTH);
    }

    private static List<Float> floats(ParameterSlice tensor) {
        List<Float> values = new ArrayList<>();
        ByteBuffer data = tensor.getData().duplicate().order(ByteOrder.LITTLE_ENDIAN);
        while (data.hasRemaining()) {
            values.add(data.getFloat());
        }
        return values;
    }

    private interface Action {
        void run() throws Exception;
    }

    private static void assertRefused(Action action, String... parts) {
        assertThatExceptionOfType(VersionException.class)
                .isThrownBy(action::run)
                .satisfies(e -> assertThat(e.getMessage()).contains(parts));
    }
}
