package io.finestream.flink;

import io.finestream.torch.TorchOps;
import io.finestream.weights.GenerativeModel;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Consumer;

/** A thread that computes with a model beside the task's, one piece of work after the other. */
final class ModelThread implements AutoCloseable {

    private final PlannedModel planned;
    private final ExecutorService thread;
    private volatile boolean closed;

    /** @param planned is closed with the thread */
    ModelThread(PlannedModel planned, String name) {
        this.planned = planned;
        int threads = planned.plan().threads();
        thread = Executors.newSingleThreadExecutor(work -> {
            Thread started = new Thread(
                    () -> {
                        TorchOps.prepareThread(threads, false);
                        work.run();
                    },
                    name);
            started.setDaemon(true);
            return started;
        });
    }

    GenerativeModel model() {
        return planned.model();
    }

    /** Does it later, unless the thread is closed before. */
    void execute(Consumer<GenerativeModel> work) {
        thread.execute(() -> {
            if (!closed) {
                work.accept(planned.model());
            }
        });
    }

    boolean isClosed() {
        return closed;
    }

    /** Does not wait for what is being done: the thread gives the model back after it. */
    @Override
    public void close() {
        closed = true;
        thread.execute(planned::close);
        thread.shutdown();
    }
}
