package io.finestream.cli;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Ctrl-C, for work that is to finish what it has in hand: the process waits a while for this to be closed. */
final class StopSignal implements AutoCloseable {

    private static final Duration TIME_TO_FINISH = Duration.ofSeconds(10);

    private final Runnable onStop;
    private final CountDownLatch stopped = new CountDownLatch(1);
    private final CountDownLatch closed = new CountDownLatch(1);
    private final Thread hook = new Thread(this::stop, "stop");

    /** @param onStop what else is to be done at Ctrl-C, in another thread */
    StopSignal(Runnable onStop) {
        this.onStop = onStop;
        Runtime.getRuntime().addShutdownHook(hook);
    }

    /** Whether the user wants an end. */
    boolean given() {
        return stopped.getCount() == 0;
    }

    /** Waits so long, or until the signal is given. */
    void await(long nanos) {
        try {
            var unused = stopped.await(nanos, TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void stop() {
        stopped.countDown();
        onStop.run();
        try {
            var unused = closed.await(TIME_TO_FINISH.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        closed.countDown();
        if (!given()) {
            Runtime.getRuntime().removeShutdownHook(hook);
        }
    }
}
