package io.finestream.tuning;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import io.finestream.diffusion.LossCoefficients;
import io.finestream.dit.ComputeType;
import io.finestream.dit.DiT;
import io.finestream.dit.DiTConfig;
import io.finestream.dit.DiTParameters;
import io.finestream.dit.Taxonomy;
import io.finestream.schemas.ParameterSlice;
import io.finestream.torch.TorchOps;
import io.finestream.versions.ParameterSlices;
import io.finestream.weights.Adapter;
import io.finestream.weights.GenerativeModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * The parameters that are tuned: as they are trained, as they were when they were last good, and as they were last
 * published. Names are those of {@link DiTParameters#shapes}.
 */
final class TunedParameters implements AutoCloseable {

    private final GenerativeModel base;
    private final ComputeType computeType;
    private final TuningSettings settings;
    private final TorchOps ops;
    private final LossCoefficients coefficients;
    private final NDManager manager;
    private final AdamW optimizer;
    private final Map<String, ParameterSlice> published = new LinkedHashMap<>(); // whole tensors
    private final Map<String, NDArray> good = new LinkedHashMap<>(); // as AdamW.state()
    private long goodSteps;
    private DiTConfig config;
    private Trainer trainer;

    TunedParameters(GenerativeModel base, ComputeType computeType, TuningSettings settings) {
        this.base = base;
        this.computeType = computeType;
        this.settings = settings;
        ops = base.diffusion().ops();
        coefficients = new LossCoefficients(
                base.config().schedule(),
                base.config().prediction(),
                settings.optimization().minSnrGamma());
        manager = base.newManager();
        config = base.config().dit();
        Map<String, NDArray> initial = new LinkedHashMap<>(base.parameters());
        if (settings.strategy() == TuningStrategy.DIFF_FIT) {
            initial.putAll(DiTParameters.initialGammas(manager, config, config.depth()));
        }
        optimizer = new AdamW(
                ops,
                manager,
                initial,
                settings.strategy().trainable(initial.keySet())::contains,
                new AdamW.Options(
                        AdamW.Options.REFERENCE.beta1(),
                        AdamW.Options.REFERENCE.beta2(),
                        0,
                        settings.optimization().maxGradNorm(),
                        settings.optimization().emaDecay()));
        trainer = trainer();
        remember(averages(0));
        markGood();
    }

    private List<ParameterSlice> averages(long version) {
        return optimizer.averages().entrySet().stream()
                .map(average -> ParameterSlices.whole(version, average.getKey(), average.getValue()))
                .toList();
    }

    private void remember(List<ParameterSlice> whole) {
        whole.forEach(tensor -> published.put(tensor.getTensor(), tensor));
    }

    private Trainer trainer() {
        return new Trainer(ops, config, coefficients, computeType, optimizer);
    }

    /** Shape of the network that is trained. */
    DiTConfig config() {
        return config;
    }

    Trainer.StepResult step(TrainingBatch batch) {
        return trainer.step(manager, batch, settings.optimization().learningRate());
    }

    /** Optimizer steps since the moments were last cleared. */
    long stepsDone() {
        return optimizer.stepsDone();
    }

    /** Gives rows to the classes of {@code taxonomy} that have none. */
    void growTo(Taxonomy taxonomy) {
        DiTConfig grown = config.withClasses(taxonomy);
        if (grown.equals(config)) {
            return;
        }
        try (NDManager m = manager.newSubManager()) {
            DiTParameters.newRows(m, optimizer.parameters(), config, taxonomy).forEach((table, rows) -> {
                optimizer.grow(table, rows);
                append(AdamW.MODEL + table, rows);
                append(AdamW.EMA + table, rows);
                append(AdamW.FIRST_MOMENT + table, rows.zerosLike());
                append(AdamW.SECOND_MOMENT + table, rows.zerosLike());
            });
        }
        config = grown;
        trainer = trainer();
    }

    private void append(String name, NDArray rows) {
        try (NDArray before = Objects.requireNonNull(good.get(name), name)) {
            NDArray after = before.concat(rows);
            after.attach(manager);
            good.put(name, after);
        }
    }

    private void markGood() {
        keep(good, optimizer.state());
        goodSteps = optimizer.stepsDone();
    }

    /** Undoes what was learned since the last version. */
    void rollBack() {
        optimizer.restore(good, goodSteps);
    }

    /**
     * Makes a version of what was learned.
     *
     * @return what differs from the version before
     */
    List<ParameterSlice> publish(long version) {
        List<ParameterSlice> whole = averages(version);
        List<ParameterSlice> changed = ParameterSlices.changed(version, whole, published);
        remember(whole);
        markGood();
        return changed;
    }

    /**
     * Makes a version of the one before, with a row for every class that has come since.
     *
     * @return the new rows
     */
    List<ParameterSlice> publishRows(long version) {
        try (NDManager m = manager.newSubManager()) {
            List<ParameterSlice> whole = new ArrayList<>();
            publishedWithRows(m).forEach((name, tensor) -> whole.add(ParameterSlices.whole(version, name, tensor)));
            List<ParameterSlice> changed = ParameterSlices.changed(version, whole, published);
            remember(whole);
            return changed;
        }
    }

    /** The version before; label tables go on with the rows of classes that have come since. */
    private Map<String, NDArray> publishedWithRows(NDManager m) {
        Map<String, NDArray> tensors = ParameterSlices.tensors(m, published.values());
        tensors.replaceAll((name, tensor) -> {
            NDArray now = Objects.requireNonNull(optimizer.averages().get(name), name);
            long rows = tensor.getShape().get(0);
            if (now.getShape().get(0) == rows) {
                return tensor;
            }
            NDArray added = now.get(new NDIndex(rows + ":"));
            added.attach(m);
            return tensor.concat(added);
        });
        return tensors;
    }

    /** Goes on from a version that somebody else published, with fresh moments. */
    void adopt(List<ParameterSlice> whole, Taxonomy all) {
        remember(whole);
        growTo(all);
        try (NDManager m = manager.newSubManager()) {
            Map<String, NDArray> state = new LinkedHashMap<>();
            publishedWithRows(m).forEach((name, tensor) -> {
                state.put(AdamW.MODEL + name, tensor);
                state.put(AdamW.EMA + name, tensor);
                state.put(AdamW.FIRST_MOMENT + name, tensor.zerosLike());
                state.put(AdamW.SECOND_MOMENT + name, tensor.zerosLike());
            });
            optimizer.restore(state, 0);
        }
        markGood();
    }

    /** Measures the moving averages of what is trained. */
    HeldOutMeasurement measureCandidate(List<LabeledLatent> images) {
        return measurement(manager.newSubManager(), optimizer.averaged(), images);
    }

    /** Measures the version before. */
    HeldOutMeasurement measurePublished(List<LabeledLatent> images) {
        NDManager memory = manager.newSubManager();
        Map<String, NDArray> all = new LinkedHashMap<>(optimizer.parameters());
        all.putAll(publishedWithRows(memory));
        return measurement(memory, all, images);
    }

    private HeldOutMeasurement measurement(NDManager memory, Map<String, NDArray> all, List<LabeledLatent> images) {
        DiT dit = new DiT(ops, config, all, computeType);
        DiffusionLoss loss = new DiffusionLoss(ops, dit, coefficients);
        return new HeldOutMeasurement(memory, loss, base.config().schedule().timesteps(), images);
    }

    /** Everything that the next steps depend on, whole tensors by the names of {@link AdamW#state}. */
    List<ParameterSlice> state() {
        List<ParameterSlice> whole = new ArrayList<>();
        optimizer.state().forEach((name, tensor) -> whole.add(ParameterSlices.whole(0, name, tensor)));
        return whole;
    }

    /** The newest version's tensors, whole. */
    List<ParameterSlice> published() {
        return List.copyOf(published.values());
    }

    /** Writes the newest version. */
    void writeAdapter(Path file, Adapter.Origin origin) throws IOException {
        try (NDManager m = manager.newSubManager()) {
            Adapter.write(file, ParameterSlices.tensors(m, published.values()), origin);
        }
    }

    /**
     * Goes on from a saved {@link #state}, which counts as good.
     *
     * @param stepsDone of the optimizer when it was saved
     * @param version as {@link #published} was
     * @param taxonomy the classes that have rows
     */
    void restore(List<ParameterSlice> state, long stepsDone, List<ParameterSlice> version, Taxonomy taxonomy) {
        growTo(taxonomy);
        try (NDManager m = manager.newSubManager()) {
            optimizer.restore(ParameterSlices.tensors(m, state), stepsDone);
        }
        remember(version);
        markGood();
    }

    /** Replaces what is kept by copies, which remember no gradients. */
    private void keep(Map<String, NDArray> kept, Map<String, NDArray> tensors) {
        TorchOps.recordGradients(false);
        tensors.forEach((name, tensor) -> {
            NDArray copy = kept.get(name);
            if (copy == null || !copy.getShape().equals(tensor.getShape())) {
                copy = manager.create(tensor.getShape(), tensor.getDataType());
                NDArray before = kept.put(name, copy);
                if (before != null) {
                    before.close();
                }
            }
            ops.copyInto(copy, tensor);
        });
        TorchOps.recordGradients(true);
    }

    @Override
    public void close() {
        optimizer.close();
        manager.close();
    }
}
