package io.finestream.schemas.wire;

import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import org.apache.avro.Schema;
import org.jspecify.annotations.Nullable;

/** Confluent's wire format: {@code 00} and the big-endian id of the schema in a registry, asked for once per schema. */
final class RegistryIdHeader implements SchemaHeader {
    private static final byte[] MAGIC = {0};

    private final Schema schema;
    private final SchemaRegistry registry;
    private byte @Nullable [] own;
    private final Map<Integer, Schema> writers = new HashMap<>();

    RegistryIdHeader(Schema schema, SchemaRegistry registry) {
        this.schema = schema;
        this.registry = registry;
    }

    @Override
    public int length() {
        return 5;
    }

    @Override
    public byte[] own() {
        if (own == null) {
            int id = registry.register(schema.getFullName(), schema);
            own = ByteBuffer.allocate(length()).put(MAGIC).putInt(id).array();
        }
        return own;
    }

    @Override
    public Schema writerOf(byte[] message) throws WireFormatException {
        check(message, MAGIC, "Confluent's wire format");
        int id = ByteBuffer.wrap(message).getInt(MAGIC.length);
        Schema writer = writers.get(id);
        if (writer == null) {
            writer = registry.byId(id);
            writers.put(id, writer);
        }
        return writer;
    }
}
