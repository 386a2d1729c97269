package io.finestream.schemas.wire;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.IdentityHashMap;
import org.apache.avro.Schema;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DatumReader;
import org.apache.avro.io.DatumWriter;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.specific.SpecificData;
import org.apache.avro.specific.SpecificDatumReader;
import org.apache.avro.specific.SpecificDatumWriter;
import org.apache.avro.specific.SpecificRecord;

/**
 * Records of one type to bytes and back, in one {@link WireFormat}. Bytes written with another version of the schema are
 * read by Avro's schema resolution. Safe for several threads, which take turns; fastest with one codec per thread.
 */
public final class AvroCodec<T extends SpecificRecord> {
    private final Schema schema;
    private final SpecificData model;
    private final SchemaHeader header;
    private final DatumWriter<T> writer;
    private final IdentityHashMap<Schema, DatumReader<T>> readers = new IdentityHashMap<>();

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final BinaryEncoder encoder = EncoderFactory.get().directBinaryEncoder(out, null);
    private final BoundedDecoder decoder = new BoundedDecoder();

    public AvroCodec(Class<T> type, WireFormat format) {
        model = SpecificData.getForClass(type);
        schema = model.getSchema(type);
        header = headerOf(schema, format);
        writer = new SpecificDatumWriter<>(schema, model);
    }

    private static SchemaHeader headerOf(Schema schema, WireFormat format) {
        if (format instanceof WireFormat.SingleObject singleObject) {
            return new FingerprintHeader(schema, singleObject.writerSchemas());
        }
        return new RegistryIdHeader(schema, new SchemaRegistry((WireFormat.Confluent) format));
    }

    /**
     * The record as bytes.
     *
     * @throws IllegalArgumentException if a field that must be set is not
     * @throws RegistryException if a registry is configured and does not give the schema an id
     */
    public synchronized byte[] encode(T value) {
        out.reset();
        out.writeBytes(header.own());
        try {
            writer.write(value, encoder);
            encoder.flush();
        } catch (IOException | RuntimeException e) {
            throw new IllegalArgumentException("not a complete %s: %s".formatted(schema.getName(), e.getMessage()), e);
        }
        return out.toByteArray();
    }

    /**
     * The record that the bytes hold; all of them must be used up.
     *
     * @throws WireFormatException if they hold no such record: send them to the dead letters
     * @throws RegistryException if a registry is configured and does not answer: the bytes may be fine, try again
     */
    public synchronized T decode(byte[] message) throws WireFormatException {
        Schema written = header.writerOf(message);
        if (!written.getFullName().equals(schema.getFullName())) {
            throw new WireFormatException("holds a %s, expected a %s: is the producer writing to the wrong topic?"
                    .formatted(written.getFullName(), schema.getFullName()));
        }
        decoder.reset(message, header.length());
        T value;
        try {
            value = readers.computeIfAbsent(written, w -> new SpecificDatumReader<>(w, schema, model))
                    .read(null, decoder);
        } catch (IOException | RuntimeException e) { // untrusted bytes also run Avro into plain runtime exceptions
            throw new WireFormatException(
                    "not a readable %s, at byte %d of %d: %s"
                            .formatted(schema.getName(), decoder.position(), message.length, e.getMessage()),
                    e);
        }
        if (decoder.remaining() > 0) {
            throw new WireFormatException(
                    "has %d bytes after the end of the %s, expected none: does its header name the schema it was written with?"
                            .formatted(decoder.remaining(), schema.getName()));
        }
        return value;
    }

    /**
     * Whether the message names a schema of this codec's record: how to tell apart the records of a topic that carries
     * several, such as {@code parameters}.
     *
     * @throws RegistryException as {@link #decode}
     */
    public synchronized boolean holds(byte[] message) {
        try {
            return header.writerOf(message).getFullName().equals(schema.getFullName());
        } catch (WireFormatException e) {
            return false;
        }
    }
}
