package io.finestream.gallery;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import io.finestream.embeddings.ClassMap;
import io.finestream.weights.LabelTables;
import io.finestream.weights.ModelChoice;
import java.io.IOException;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code /api/map}: the {@link ClassMap} of a model's own files, laid out once, in the background. Until it is there the
 * status is 202, and 404 where no model has been named.
 */
final class ClassMapAnswers implements HttpHandler {

    static final String PATH = "/api/map";

    private static final Logger LOG = LoggerFactory.getLogger(ClassMapAnswers.class);
    private static final long SEED = 1;

    private volatile @Nullable CompletableFuture<byte[]> map;

    /** Starts to lay out the classes of a model. */
    void layOut(ModelChoice model, Executor executor) {
        map = CompletableFuture.supplyAsync(
                () -> {
                    try {
                        return new JsonMapper().writeValueAsBytes(ClassMap.of(LabelTables.read(model.locate()), SEED));
                    } catch (IOException e) {
                        throw new CompletionException(e);
                    }
                },
                executor);
    }

    @Override
    public void handle(HttpExchange exchange) throws IOException {
        CompletableFuture<byte[]> laidOut = map;
        if (!exchange.getRequestURI().getPath().equals(PATH)) {
            Answer.notFound(exchange);
        } else if (laidOut == null) {
            Answer.text(exchange, 404, "there is no map: the page does not know the model\n");
        } else if (!laidOut.isDone()) {
            Answer.text(exchange, 202, "the map is being laid out; ask again\n");
        } else {
            answer(exchange, laidOut);
        }
    }

    private static void answer(HttpExchange exchange, CompletableFuture<byte[]> laidOut) throws IOException {
        try {
            Answer.send(exchange, 200, "application/json", "no-store", laidOut.get());
        } catch (ExecutionException e) {
            LOG.warn("there is no map of the classes", e.getCause());
            String why = Objects.requireNonNull(e.getCause()).getMessage();
            Answer.text(exchange, 500, "the map can not be laid out: %s\n".formatted(why));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
