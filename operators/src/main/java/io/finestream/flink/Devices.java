package io.finestream.flink;

import ai.djl.Device;
import io.finestream.torch.TorchOps;
import java.util.Set;

/** Which device a subtask computes on. */
public final class Devices {

    private static final Set<String> KNOWN = Set.of("auto", "cpu", "gpu");

    private Devices() {}

    /**
     * @param wanted {@code auto}, {@code cpu} or {@code gpu}
     * @param subtask subtasks take the GPUs of their machine in turn
     * @throws IllegalArgumentException if a GPU is demanded and the engine sees none
     */
    public static Device choose(String wanted, int subtask) {
        requireKnown(wanted);
        int gpus = TorchOps.gpuCount();
        return switch (wanted) {
            case "cpu" -> Device.cpu();
            case "auto" -> gpus > 0 ? Device.gpu(subtask % gpus) : Device.cpu();
            case "gpu" -> {
                if (gpus == 0) {
                    throw new IllegalArgumentException("device gpu was demanded, but the engine sees no GPU; use auto"
                            + " or cpu, or install the CUDA build of the engine");
                }
                yield Device.gpu(subtask % gpus);
            }
            default -> throw new AssertionError(wanted);
        };
    }

    static void requireKnown(String device) {
        if (!KNOWN.contains(device)) {
            throw new IllegalArgumentException("device '" + device + "' is unknown, expected auto, cpu or gpu");
        }
    }
}
