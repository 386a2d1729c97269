package io.finestream.schemas.wire;

import org.jspecify.annotations.Nullable;

/** These bytes are no readable record; the message says what was seen, what was expected and what to do. */
public final class WireFormatException extends Exception {
    WireFormatException(String message) {
        super(message);
    }

    WireFormatException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
