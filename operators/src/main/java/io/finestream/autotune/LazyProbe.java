package io.finestream.autotune;

import ai.djl.Device;
import io.finestream.dit.DiTConfig;
import io.finestream.torch.TorchOps;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A {@link Probe} that is made when something is measured, in a thread of its own: engine settings are per thread. */
final class LazyProbe implements AutoCloseable {

    private final DiTConfig network;
    private final Device device;
    private @Nullable Probe probe;

    LazyProbe(DiTConfig network, Device device) {
        this.network = network;
        this.device = device;
    }

    <T> T measure(int threads, Function<Probe, T> measurement) {
        ExecutorService thread = Executors.newSingleThreadExecutor();
        try {
            Callable<T> task = () -> {
                TorchOps.prepareThread(threads, false);
                if (probe == null) {
                    probe = new Probe(network, device);
                }
                return measurement.apply(probe);
            };
            return thread.submit(task).get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw new IllegalStateException("this machine could not be measured", e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while this machine was measured", e);
        } finally {
            thread.shutdown();
        }
    }

    @Override
    public void close() {
        if (probe != null) {
            probe.close();
        }
    }
}
