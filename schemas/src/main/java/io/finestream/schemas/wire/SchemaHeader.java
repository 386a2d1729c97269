package io.finestream.schemas.wire;

import java.util.HexFormat;
import org.apache.avro.Schema;

/** The bytes at the start of a message that name its writer's schema. Implementations may cache and are not thread-safe. */
interface SchemaHeader {
    /** Length of the header in bytes. */
    int length();

    /** The header of messages written with the schema of this build. */
    byte[] own();

    /** The schema a message was written with; for equal headers the same object. */
    Schema writerOf(byte[] message) throws WireFormatException;

    /** Refuses a message that is shorter than the header or starts with other bytes. */
    default void check(byte[] message, byte[] magic, String name) throws WireFormatException {
        HexFormat hex = HexFormat.ofDelimiter(" ");
        String expected = "expected %s (%s)".formatted(hex.formatHex(magic), name);
        if (message.length == 0) {
            throw new WireFormatException("the message is empty, " + expected);
        }
        for (int i = 0; i < magic.length && i < message.length; i++) {
            if (message[i] != magic[i]) {
                String seen = hex.formatHex(message, 0, Math.min(2, message.length));
                throw new WireFormatException("starts with %s, %s%s".formatted(seen, expected, guess(message[0])));
            }
        }
        if (message.length < length()) {
            throw new WireFormatException("has %d bytes, expected at least the %d of the header (%s): was it cut off?"
                    .formatted(message.length, length(), name));
        }
    }

    private static String guess(byte first) {
        return switch (first) {
            case '{', '[', '"' -> ": is the producer sending JSON?";
            case 0 -> ": it may be Confluent's wire format; to read that, set " + WireFormat.REGISTRY_URL;
            case (byte) 0xC3 ->
                ": it may be Avro single-object encoding; to read that, unset " + WireFormat.REGISTRY_URL;
            default -> ": is the producer writing to the wrong topic?";
        };
    }
}
