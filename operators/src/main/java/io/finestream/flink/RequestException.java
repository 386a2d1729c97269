package io.finestream.flink;

import io.finestream.schemas.ReasonCode;

/** A request or a labeled image that is refused; its message is the dead letter's reason. */
final class RequestException extends Exception {

    private static final long serialVersionUID = 1;

    private final ReasonCode code;

    RequestException(ReasonCode code, String message) {
        super(message);
        this.code = code;
    }

    ReasonCode code() {
        return code;
    }
}
