package io.finestream.flink;

import ai.djl.Device;
import io.finestream.torch.TorchOps;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.apache.flink.api.common.externalresource.ExternalResourceInfo;
import org.apache.flink.api.common.functions.RuntimeContext;

/**
 * A subtask's share in a device. The operators of one subtask are on one device. Another subtask comes to the device that
 * the fewest in this JVM are on, however Flink has spread the job over its task managers.
 */
final class DeviceShare implements AutoCloseable {

    /** What GPUs are called in Flink's configuration: {@code external-resource.gpu.amount}. */
    private static final String RESOURCE = "gpu";

    private static final String INDEX = "index"; // of Flink's GPU driver

    /** Of a job, in whatever attempt. */
    record Subtask(String job, int index) {}

    private static final class Place {
        final Device device;
        int shares;

        Place(Device device) {
            this.device = device;
        }
    }

    private static final Map<Subtask, Place> TAKEN = new HashMap<>();

    private final Subtask subtask;
    private final Place place;
    private boolean closed;

    private DeviceShare(Subtask subtask, Place place) {
        this.subtask = subtask;
        this.place = place;
    }

    /**
     * The device of the subtask that asks.
     *
     * @param wanted {@code auto}, {@code cpu} or {@code gpu}
     * @throws IllegalArgumentException if a GPU is demanded and the engine sees none
     */
    static DeviceShare take(String wanted, RuntimeContext task) {
        Set<String> granted = new TreeSet<>();
        for (ExternalResourceInfo gpu : task.getExternalResourceInfos(RESOURCE)) {
            gpu.getProperty(INDEX).ifPresent(granted::add);
        }
        return take(
                new Subtask(
                        task.getJobInfo().getJobId().toString(),
                        task.getTaskInfo().getIndexOfThisSubtask()),
                Devices.candidates(wanted, TorchOps.gpuCount(), granted));
    }

    static DeviceShare take(Subtask subtask, List<Device> candidates) {
        synchronized (TAKEN) {
            Place place = TAKEN.get(subtask);
            if (place == null) {
                place = new Place(leastTaken(candidates, subtask.index()));
                TAKEN.put(subtask, place);
            }
            place.shares++;
            return new DeviceShare(subtask, place);
        }
    }

    /** Of those that are taken alike, subtasks have theirs in turn. */
    private static Device leastTaken(List<Device> candidates, int turn) {
        int devices = candidates.size();
        return IntStream.range(0, devices)
                .mapToObj(i -> candidates.get((turn + i) % devices))
                .min(Comparator.comparingLong(DeviceShare::subtasksOn))
                .orElseThrow();
    }

    private static long subtasksOn(Device device) {
        return TAKEN.values().stream()
                .filter(place -> place.device.equals(device))
                .count();
    }

    Device device() {
        return place.device;
    }

    /** Another share of the same subtask. */
    DeviceShare share() {
        return take(subtask, List.of(place.device));
    }

    @Override
    public void close() {
        synchronized (TAKEN) {
            if (closed) {
                return;
            }
            closed = true;
            if (--place.shares == 0) {
                TAKEN.remove(subtask);
            }
        }
    }
}
