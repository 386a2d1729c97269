package io.finestream.gallery;

import ai.djl.Device;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import io.finestream.dit.ComputeType;
import io.finestream.kafka.AdapterFiles;
import io.finestream.kafka.Rollback;
import io.finestream.kafka.VersionHistory;
import io.finestream.kafka.VersionPublisher;
import io.finestream.schemas.wire.WireFormat;
import io.finestream.torch.TorchOps;
import io.finestream.versions.BaseTensors;
import io.finestream.weights.GenerativeModel;
import java.io.IOException;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.apache.kafka.common.KafkaException;
import org.jspecify.annotations.Nullable;

/** {@code POST /api/rollback?version=} publishes that version's tensors as a new version, and answers with its number. */
final class RollbackPosts implements HttpHandler {

    static final String PATH = "/api/rollback";

    private static final String BY = "the page";

    private final Map<String, String> client;
    private final String topic;
    private final WireFormat format;
    private final Teaching teaching;
    private final ReentrantLock oneAtATime = new ReentrantLock();

    /** @param topic of the parameters */
    RollbackPosts(Map<String, String> client, String topic, WireFormat format, Teaching teaching) {
        this.client = client;
        this.topic = topic;
        this.format = format;
        this.teaching = teaching;
    }

    @Override
    public void handle(HttpExchange exchange) throws IOException {
        try {
            JsonAnswer.created(exchange, "version", rollback(number(new Query(exchange).get("version"))));
        } catch (Refusal e) {
            JsonAnswer.refused(exchange, e);
        }
    }

    private static long number(String text) throws Refusal {
        if (!text.matches("[0-9]{1,18}")) {
            throw new Refusal(400, "the version is '%s', expected a number, from 0".formatted(text));
        }
        return Long.parseLong(text);
    }

    private long rollback(long number) throws Refusal {
        if (!oneAtATime.tryLock()) {
            throw new Refusal(409, "another rollback is under way; look at the newest version when it is done");
        }
        try (GenerativeModel model = base()) {
            BaseTensors base = model == null ? null : new BaseTensors(model);
            try (VersionHistory history = VersionHistory.read(client, topic, format, base);
                    VersionPublisher publisher = new VersionPublisher(client, topic, format)) {
                return new Rollback(history, publisher, new AdapterFiles(teaching.adapters()), base, BY).to(number);
            }
        } catch (IOException | KafkaException e) {
            throw new Refusal(409, String.valueOf(e.getMessage()));
        } finally {
            oneAtATime.unlock();
        }
    }

    private @Nullable GenerativeModel base() throws IOException {
        TorchOps.prepareThread(1, false);
        return teaching.model() == null
                ? null
                : GenerativeModel.load(teaching.model().locate(), Device.cpu(), ComputeType.FP32);
    }
}
