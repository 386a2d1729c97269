package io.finestream.flink;

import io.finestream.dit.Taxonomy;
import io.finestream.schemas.GenerationRequest;
import io.finestream.schemas.PendingRequest;
import io.finestream.schemas.ReasonCode;
import io.finestream.schemas.wire.AvroCodec;
import io.finestream.schemas.wire.WireFormat;
import io.finestream.schemas.wire.WireFormatException;
import java.time.Instant;

/** Decodes requests and resolves their classes. */
final class RequestReader {

    /** A request is some hundred bytes; every image and every checkpoint carries its headers. */
    private static final int MAX_REQUEST_BYTES = 64 << 10;

    private final AvroCodec<GenerationRequest> codec;
    private final RequestResolver resolver;

    RequestReader(WireFormat wireFormat, RequestResolver resolver) {
        codec = new AvroCodec<>(GenerationRequest.class, wireFormat);
        this.resolver = resolver;
    }

    /**
     * The request in a record, ready to be served.
     *
     * @param taxonomy the newest
     * @throws RequestException if it can not be served
     */
    PendingRequest read(SourceRecord record, Taxonomy taxonomy, Instant now) throws RequestException {
        GenerationRequest request = decode(record);
        try {
            return PendingRequest.newBuilder()
                    .setRequest(request)
                    .setSubclassId(resolver.resolve(request, taxonomy, now))
                    .setNextSample(request.getFirstSample())
                    .setSourceTopic(record.topic())
                    .setSourcePartition(record.partition())
                    .setSourceOffset(record.offset())
                    .setSourceTimestamp(Instant.ofEpochMilli(record.timestamp()))
                    .setEnqueuedAt(now)
                    .build();
        } catch (RequestException e) {
            throw e.about(request);
        }
    }

    /** A record with a request that was read before. */
    SourceRecord write(GenerationRequest request, String topic, int partition, long offset, Instant timestamp) {
        return new SourceRecord(null, codec.encode(request), topic, partition, offset, timestamp.toEpochMilli());
    }

    private GenerationRequest decode(SourceRecord record) throws RequestException {
        byte[] value = record.value();
        if (value == null) {
            throw new RequestException(ReasonCode.UNREADABLE, "the record has no value; send a GenerationRequest");
        }
        if (value.length > MAX_REQUEST_BYTES) {
            throw new RequestException(
                    ReasonCode.INVALID,
                    "the record has " + value.length + " bytes, expected at most " + MAX_REQUEST_BYTES
                            + "; shorten its headers");
        }
        try {
            return codec.decode(value);
        } catch (WireFormatException e) {
            throw new RequestException(ReasonCode.UNREADABLE, String.valueOf(e.getMessage()));
        }
    }
}
