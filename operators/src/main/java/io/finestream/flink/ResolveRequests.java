package io.finestream.flink;

import io.finestream.schemas.DeadLetter;
import io.finestream.schemas.GenerationRequest;
import io.finestream.schemas.PendingRequest;
import io.finestream.schemas.ReasonCode;
import io.finestream.schemas.wire.AvroCodec;
import io.finestream.schemas.wire.WireFormatException;
import io.finestream.weights.GenerativeModel;
import io.finestream.weights.ModelConfig;
import io.finestream.weights.ModelDirectory;
import java.nio.file.Path;
import java.time.Instant;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.metrics.Counter;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.util.Collector;
import org.apache.flink.util.OutputTag;
import org.jspecify.annotations.Nullable;

/** Decodes a request and resolves its class. What can not be served goes to the dead letters with the reason. */
public final class ResolveRequests extends ProcessFunction<SourceRecord, PendingRequest> {

    private static final long serialVersionUID = 1;

    public static final OutputTag<DeadLetter> DEAD_LETTERS = new OutputTag<>("dead-letters") {
        private static final long serialVersionUID = 1;
    };

    /** A request is some hundred bytes; every image and every checkpoint carries its headers. */
    private static final int MAX_REQUEST_BYTES = 64 << 10;

    private final GenerationSettings settings;
    private transient AvroCodec<GenerationRequest> codec;
    private transient RequestResolver resolver;
    private transient Counter deadLetters;

    @SuppressWarnings("NullAway.Init") // Flink calls open before anything else
    public ResolveRequests(GenerationSettings settings) {
        this.settings = settings;
    }

    @Override
    public void open(OpenContext context) throws Exception {
        Path directory = ModelDirectory.locate(settings.model());
        codec = new AvroCodec<>(GenerationRequest.class, settings.wireFormat());
        resolver = new RequestResolver(
                ModelConfig.read(directory.resolve(GenerativeModel.CONFIG)),
                ModelConfig.readTaxonomy(directory.resolve(GenerativeModel.TAXONOMY)),
                settings.maxCount());
        deadLetters = getRuntimeContext().getMetricGroup().counter("deadLetters");
    }

    @Override
    public void processElement(SourceRecord record, Context context, Collector<PendingRequest> out) {
        Instant now = Instant.now();
        GenerationRequest request = null;
        try {
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
            request = codec.decode(value);
            out.collect(PendingRequest.newBuilder()
                    .setRequest(request)
                    .setSubclassId(resolver.resolve(request, now))
                    .setNextSample(request.getFirstSample())
                    .setSourceTopic(record.topic())
                    .setSourcePartition(record.partition())
                    .setSourceOffset(record.offset())
                    .setSourceTimestamp(Instant.ofEpochMilli(record.timestamp()))
                    .setEnqueuedAt(now)
                    .build());
        } catch (WireFormatException e) {
            reject(context, record, null, ReasonCode.UNREADABLE, String.valueOf(e.getMessage()));
        } catch (RequestException e) {
            String id = request == null ? null : request.getRequestId();
            reject(context, record, id, e.code(), String.valueOf(e.getMessage()));
        }
    }

    private void reject(
            Context context, SourceRecord record, @Nullable String requestId, ReasonCode code, String reason) {
        deadLetters.inc();
        context.output(DEAD_LETTERS, record.deadLetter(requestId, code, reason));
    }
}
