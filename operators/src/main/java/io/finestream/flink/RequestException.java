package io.finestream.flink;

import io.finestream.schemas.GenerationRequest;
import io.finestream.schemas.ReasonCode;
import org.jspecify.annotations.Nullable;

/** A request that can not be served; its message is the dead letter's reason. */
public final class RequestException extends Exception {

    private static final long serialVersionUID = 1;

    private final ReasonCode code;
    private final @Nullable GenerationRequest request;

    RequestException(ReasonCode code, String message) {
        this(code, message, null);
    }

    private RequestException(ReasonCode code, String message, @Nullable GenerationRequest request) {
        super(message);
        this.code = code;
        this.request = request;
    }

    /** The same about this request. */
    RequestException about(GenerationRequest about) {
        return new RequestException(code, String.valueOf(getMessage()), about);
    }

    public ReasonCode code() {
        return code;
    }

    /** The request, where it could be read. */
    @Nullable
    GenerationRequest request() {
        return request;
    }

    /** Its id. */
    @Nullable
    String requestId() {
        return request == null ? null : request.getRequestId();
    }
}
