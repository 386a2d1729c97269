package io.finestream.weights;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.finestream.torch.TorchOps;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Reads tensors on several threads, one tensor each: most of the time goes into memory that is touched for the first time.
 * The engine's own threads would have to wait for each other at every piece of a tensor.
 */
final class TensorReaders {

    private static final int MOST = 4;
    private static final int SCRATCH = 1 << 20; // numbers

    private TensorReaders() {}

    /** What is done with one tensor. */
    interface Reader {
        /** @param scratch float32 [N] on the CPU, for nobody else until this returns */
        NDArray read(String name, NDArray scratch) throws IOException;
    }

    /** The tensors by name, in the order of the names. */
    static Map<String, NDArray> readAll(Collection<String> names, Reader reader) throws IOException {
        int ofThisThread = TorchOps.intraOpThreads();
        ExecutorService threads = Executors.newFixedThreadPool(
                Math.min(MOST, Runtime.getRuntime().availableProcessors()),
                work -> new Thread(
                        () -> {
                            TorchOps.prepareThread(1, false);
                            work.run();
                        },
                        "weights reader"));
        try (NDManager cpu = TorchOps.newManager(Device.cpu())) {
            ThreadLocal<NDArray> scratch =
                    ThreadLocal.withInitial(() -> cpu.create(new Shape(SCRATCH), DataType.FLOAT32));
            Map<String, CompletableFuture<NDArray>> reading = new LinkedHashMap<>();
            for (String name : names) {
                reading.put(
                        name,
                        CompletableFuture.supplyAsync(
                                () -> {
                                    try {
                                        return reader.read(name, scratch.get());
                                    } catch (IOException e) {
                                        throw new UncheckedIOException(e);
                                    }
                                },
                                threads));
            }
            // whatever fails: nobody may read any more when the caller closes what is read into
            CompletableFuture.allOf(reading.values().toArray(CompletableFuture[]::new))
                    .handle((all, failure) -> all)
                    .join();
            Map<String, NDArray> read = new LinkedHashMap<>();
            reading.forEach((name, tensor) -> read.put(name, tensor.join()));
            return read;
        } catch (CompletionException e) {
            if (e.getCause() instanceof UncheckedIOException unchecked) {
                throw unchecked.getCause();
            }
            throw e;
        } finally {
            threads.shutdown();
            TorchOps.setIntraOpThreads(ofThisThread); // threads that are not prepared have what was set last
        }
    }
}
