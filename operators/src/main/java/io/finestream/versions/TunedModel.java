package io.finestream.versions;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.finestream.diffusion.DiffusionModel;
import io.finestream.dit.Taxonomy;
import io.finestream.schemas.LiveVersion;
import io.finestream.schemas.TaxonomyEntry;
import io.finestream.weights.GenerativeModel;
import io.finestream.weights.WeightsException;
import java.util.List;
import java.util.Map;

/** A model as a version has tuned it. Frozen tensors are the base model's own; closing it frees the tuned ones. */
public final class TunedModel implements AutoCloseable {

    private final NDManager memory;
    private final DiffusionModel diffusion;
    private final Taxonomy taxonomy;

    private TunedModel(NDManager memory, DiffusionModel diffusion, Taxonomy taxonomy) {
        this.memory = memory;
        this.diffusion = diffusion;
        this.taxonomy = taxonomy;
    }

    /** Version 0. */
    public static TunedModel base(GenerativeModel model) {
        return new TunedModel(model.newManager(), model.diffusion(), model.taxonomy());
    }

    /**
     * A version.
     *
     * @param model its base; outlives the result
     * @throws WeightsException if the version does not fit the model
     */
    public static TunedModel of(GenerativeModel model, LiveVersion version) throws WeightsException {
        NDManager memory = model.newManager();
        try {
            String what = "version " + version.getCommit().getVersion();
            Taxonomy taxonomy = model.taxonomy().plus(addedClasses(version));
            return new TunedModel(memory, model.tuned(memory, what, tensors(memory, version), taxonomy), taxonomy);
        } catch (WeightsException | RuntimeException e) {
            memory.close();
            throw e;
        }
    }

    /** A version's tensors by name, float32; {@code owner} receives them. */
    public static Map<String, NDArray> tensors(NDManager owner, LiveVersion version) {
        return ParameterSlices.tensors(owner, version.getTensors());
    }

    /** Every class that was added since the base model. */
    public static List<Taxonomy.ClassName> addedClasses(LiveVersion version) {
        return classNames(version.getAddedClasses());
    }

    /** Classes as a taxonomy takes them. */
    public static List<Taxonomy.ClassName> classNames(List<TaxonomyEntry> entries) {
        return entries.stream()
                .map(entry -> new Taxonomy.ClassName(entry.getSuperclass(), entry.getSubclass()))
                .toList();
    }

    /** The network. */
    public DiffusionModel diffusion() {
        return diffusion;
    }

    /** Its classes, those that were added included. */
    public Taxonomy taxonomy() {
        return taxonomy;
    }

    /** For what a user of the network allocates; closed with it. */
    public NDManager memory() {
        return memory;
    }

    @Override
    public void close() {
        memory.close();
    }
}
