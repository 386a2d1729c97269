package io.finestream.versions;

import java.io.IOException;

/** The records of the parameters topic do not make a version; the message says which record, why, and what to do. */
public final class VersionException extends IOException {

    private static final long serialVersionUID = 1;

    public VersionException(String message) {
        super(message);
    }

    public VersionException(String message, Throwable cause) {
        super(message, cause);
    }
}
