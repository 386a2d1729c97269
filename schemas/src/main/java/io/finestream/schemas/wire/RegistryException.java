package io.finestream.schemas.wire;

import org.jspecify.annotations.Nullable;

/** The schema registry did not do what it was asked; the message names the URL, the status and the remedy. */
public final class RegistryException extends RuntimeException {
    RegistryException(String message) {
        super(message);
    }

    RegistryException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
