package io.finestream.flink;

import ai.djl.Device;
import ai.djl.engine.Engine;

/** Which device a subtask computes on. */
public final class Devices {

    private Devices() {}

    /**
     * @param wanted {@code auto}, {@code cpu} or {@code gpu}
     * @param subtask subtasks take the GPUs of their machine in turn
     * @throws IllegalArgumentException if a GPU is demanded and the engine sees none
     */
    public static Device choose(String wanted, int subtask) {
        int gpus = Engine.getEngine("PyTorch").getGpuCount();
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
            default ->
                throw new IllegalArgumentException("device '" + wanted + "' is unknown, expected auto, cpu or gpu");
        };
    }
}
