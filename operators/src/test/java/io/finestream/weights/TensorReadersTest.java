package io.finestream.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import io.finestream.torch.TorchOps;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TensorReadersTest {

    private static final List<String> NAMES =
            IntStream.range(0, 50).mapToObj(String::valueOf).toList();

    @Test
    void tensorsComeInTheOrderOfTheirNames() throws IOException {
        try (NDManager manager = TorchOps.newManager(Device.cpu())) {
            var read = TensorReaders.readAll(NAMES, (name, scratch) -> manager.create(Float.parseFloat(name)));
            assertThat(read.keySet()).containsExactlyElementsOf(NAMES);
            assertThat(read.get("7").getFloat()).isEqualTo(7);
        }
    }

    @Test
    void aFailureIsSaidAsItIsWhenNobodyReadsAnyMore() {
        AtomicInteger readingNow = new AtomicInteger();
        try (NDManager manager = TorchOps.newManager(Device.cpu())) {
            assertThatExceptionOfType(WeightsException.class)
                    .isThrownBy(() -> TensorReaders.readAll(NAMES, (name, scratch) -> {
                        readingNow.incrementAndGet();
                        try {
                            if (name.equals("3")) {
                                throw new WeightsException("cut short");
                            }
                            return manager.create(1f);
                        } finally {
                            readingNow.decrementAndGet();
                        }
                    }))
                    .withMessage("cut short");
            assertThat(readingNow).hasValue(0);
        }
    }

    @Test
    void theEnginesThreadsStayAsTheyWere() throws IOException {
        TorchOps.prepareThread(2, false);
        try (NDManager manager = TorchOps.newManager(Device.cpu())) {
            var unused = TensorReaders.readAll(NAMES, (name, scratch) -> manager.create(1f));
            assertThat(TorchOps.intraOpThreads()).isEqualTo(2);
        } finally {
            TorchOps.prepareThread(1, false);
        }
    }
}
