package io.finestream.schemas.wire;

import static java.util.stream.Collectors.joining;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.SchemaNormalization;
import org.apache.avro.SchemaParseException;

/**
 * Avro single-object encoding: {@code C3 01} and the little-endian CRC-64-AVRO fingerprint.
 *
 * @see <a href="https://avro.apache.org/docs/1.12.0/specification/#single-object-encoding">The specification</a>
 */
final class FingerprintHeader implements SchemaHeader {
    private static final byte[] MAGIC = {(byte) 0xC3, 1};

    private final String record;
    private final byte[] own;
    private final Map<Long, Schema> known = new LinkedHashMap<>();

    /** Knows a record's schema, its committed predecessors, and those of the further schemas that have its name. */
    FingerprintHeader(Schema current, List<String> furtherSchemas) {
        record = current.getFullName();
        own = ByteBuffer.allocate(length())
                .order(ByteOrder.LITTLE_ENDIAN)
                .put(MAGIC)
                .putLong(SchemaNormalization.parsingFingerprint64(current))
                .array();
        add(current);
        SchemaHistory.of(current).forEach(this::add);
        for (String json : furtherSchemas) {
            try {
                add(new Schema.Parser().parse(json));
            } catch (SchemaParseException e) {
                throw new IllegalArgumentException(
                        "%s: not an Avro schema: %s".formatted(WireFormat.WRITER_SCHEMAS, json), e);
            }
        }
    }

    private void add(Schema schema) {
        if (schema.getFullName().equals(record)) {
            known.putIfAbsent(SchemaNormalization.parsingFingerprint64(schema), schema);
        }
    }

    @Override
    public int length() {
        return 10;
    }

    @Override
    public byte[] own() {
        return own;
    }

    @Override
    public Schema writerOf(byte[] message) throws WireFormatException {
        check(message, MAGIC, "Avro single-object encoding");
        long fingerprint =
                ByteBuffer.wrap(message).order(ByteOrder.LITTLE_ENDIAN).getLong(MAGIC.length);
        Schema writer = known.get(fingerprint);
        if (writer == null) {
            throw new WireFormatException(
                    "schema fingerprint 0x%016x is not known for %s; known are %s: it may be another kind of record; if its writer is newer than this program, add the writer's .avsc to %s"
                            .formatted(
                                    fingerprint,
                                    record,
                                    known.keySet().stream()
                                            .map("0x%016x"::formatted)
                                            .collect(joining(", ")),
                                    WireFormat.WRITER_SCHEMAS));
        }
        return writer;
    }
}
