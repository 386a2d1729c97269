package io.finestream.weights;

import ai.djl.Device;
import io.finestream.dit.ComputeType;
import io.finestream.dit.Kernels;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;

/**
 * A share in one copy of a model (its files, and how they are read) per JVM, device, arithmetic and kernels: the slots
 * of a task manager load the frozen weights
 * once. The last share that is closed frees them.
 */
public final class SharedModel implements AutoCloseable {

    private record Key(ModelFiles files, Device device, ComputeType computeType, Kernels kernels) {}

    private static final class Entry {
        final GenerativeModel model;
        int shares;

        Entry(GenerativeModel model) {
            this.model = model;
        }
    }

    private static final Map<Key, Entry> LOADED = new HashMap<>();

    private final Key key;
    private final GenerativeModel model;
    private boolean closed;

    private SharedModel(Key key, GenerativeModel model) {
        this.key = key;
        this.model = model;
    }

    /** Loads the model, or takes a share in the copy that is loaded already. */
    public static SharedModel acquire(ModelFiles files, Device device, ComputeType computeType, Kernels kernels)
            throws IOException {
        Key key = new Key(files.real(), device, computeType, kernels);
        synchronized (LOADED) {
            Entry entry = LOADED.get(key);
            if (entry == null) {
                entry = new Entry(GenerativeModel.load(files, device, computeType, kernels));
                LOADED.put(key, entry);
            }
            entry.shares++;
            return new SharedModel(key, entry.model);
        }
    }

    /** Another share in the same copy. */
    public SharedModel share() {
        synchronized (LOADED) {
            Entry entry = LOADED.get(key);
            if (closed || entry == null) {
                throw new IllegalStateException("the share in " + key.files() + " is closed");
            }
            entry.shares++;
            return new SharedModel(key, model);
        }
    }

    public GenerativeModel model() {
        return model;
    }

    /** Copies in this JVM. */
    static int copies() {
        synchronized (LOADED) {
            return LOADED.size();
        }
    }

    @Override
    public void close() {
        synchronized (LOADED) {
            if (closed) {
                return;
            }
            closed = true;
            Entry entry = LOADED.get(key);
            if (entry != null && --entry.shares == 0) {
                LOADED.remove(key);
                entry.model.close();
            }
        }
    }
}
