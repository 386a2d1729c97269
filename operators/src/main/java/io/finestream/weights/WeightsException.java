package io.finestream.weights;

import java.io.IOException;

/** A model file that can not be used; the message says which, why, and what to do. */
public final class WeightsException extends IOException {

    private static final long serialVersionUID = 1;

    public WeightsException(String message) {
        super(message);
    }

    public WeightsException(String message, Throwable cause) {
        super(message, cause);
    }
}
