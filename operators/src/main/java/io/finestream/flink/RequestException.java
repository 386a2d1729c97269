package io.finestream.flink;

import io.finestream.schemas.ReasonCode;
import org.jspecify.annotations.Nullable;

/** A request that can not be served; its message is the dead letter's reason. */
public final class RequestException extends Exception {

    private static final long serialVersionUID = 1;

    private final ReasonCode code;
    private final @Nullable String requestId;

    RequestException(ReasonCode code, String message) {
        this(code, message, null);
    }

    private RequestException(ReasonCode code, String message, @Nullable String requestId) {
        super(message);
        this.code = code;
        this.requestId = requestId;
    }

    /** The same about the request of this id. */
    RequestException about(String id) {
        return new RequestException(code, String.valueOf(getMessage()), id);
    }

    public ReasonCode code() {
        return code;
    }

    /** The request, where it could be read. */
    @Nullable
    String requestId() {
        return requestId;
    }
}
