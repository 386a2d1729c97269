package io.finestream.flink;

import ai.djl.Device;
import io.finestream.torch.TorchOps;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Which devices there are to compute on. */
public final class Devices {

    private static final Logger LOG = LoggerFactory.getLogger(Devices.class);

    private static final Set<String> KNOWN = Set.of("auto", "cpu", "gpu");

    private Devices() {}

    /**
     * The device of a program that uses one.
     *
     * @param wanted {@code auto}, {@code cpu} or {@code gpu}
     * @throws IllegalArgumentException if a GPU is demanded and the engine sees none
     */
    public static Device first(String wanted) {
        return candidates(wanted, TorchOps.gpuCount(), Set.of()).get(0);
    }

    /**
     * Those that a subtask may take.
     *
     * @param wanted {@code auto}, {@code cpu} or {@code gpu}
     * @param seen GPUs that the engine sees
     * @param granted indices of the GPUs that Flink hands out; empty where it is not told of any
     * @throws IllegalArgumentException if a GPU is demanded and the engine sees none
     */
    static List<Device> candidates(String wanted, int seen, Set<String> granted) {
        requireKnown(wanted);
        if (wanted.equals("cpu")) {
            return List.of(Device.cpu());
        }
        if (seen == 0) {
            if (wanted.equals("gpu")) {
                throw new IllegalArgumentException("device gpu was demanded, but the engine sees no GPU; use auto"
                        + " or cpu, or install the CUDA build of the engine");
            }
            if (!granted.isEmpty()) {
                LOG.warn(
                        "Flink hands out GPU {}, but the engine sees no GPU and computes on the CPU; install its CUDA"
                                + " build",
                        String.join(", ", granted));
            }
            return List.of(Device.cpu());
        }
        List<Device> all = IntStream.range(0, seen).mapToObj(Device::gpu).toList();
        List<Device> handedOut = all.stream()
                .filter(gpu -> granted.contains(Integer.toString(gpu.getDeviceId())))
                .toList();
        if (handedOut.isEmpty() && !granted.isEmpty()) {
            LOG.warn(
                    "Flink hands out GPU {}, but the engine numbers its GPUs from 0 to {} and takes all of them; do"
                            + " CUDA_VISIBLE_DEVICES and Flink's discovery script agree?",
                    String.join(", ", granted),
                    seen - 1);
        }
        return handedOut.isEmpty() ? all : handedOut;
    }

    static void requireKnown(String device) {
        if (!KNOWN.contains(device)) {
            throw new IllegalArgumentException("device '" + device + "' is unknown, expected auto, cpu or gpu");
        }
    }
}
