package io.finestream.diffusion;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.finestream.dit.DiTConfig;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Iterator;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.IntStream;

/**
 * The trajectories in flight. They join and leave between any two steps, each with its own timestep, class, guidance,
 * sampler and length; {@link #step} advances them all by one step in one pass of the network.
 *
 * <p>The unit of cost is the row: a sample takes two rows while it is guided, one otherwise, and none at a step that does
 * not ask the network; no pass takes more than the budget of rows. Where the trajectories need more, the caller chooses
 * which take part in a step; the others keep their place, and the step is theirs later. Not thread-safe.
 *
 * @param <T> what the caller attaches to a trajectory and gets back with its result
 */
public final class DenoiseBatch<T> implements AutoCloseable {

    /** A trajectory that has reached its image. {@code latent} is [C, H, W]. */
    public record Finished<T>(T tag, SampleSpec spec, float[] latent) {}

    /**
     * A trajectory between two steps, as it is saved.
     *
     * @param step number of steps done
     * @param latent [C, H, W]
     * @param history what its sampler keeps of earlier steps, newest last, each [C, H, W]; empty before the first step
     */
    public record InFlight<T>(T tag, SampleSpec spec, int step, float[] latent, List<float[]> history) {}

    /**
     * How far a trajectory is.
     *
     * @param step number of steps done
     * @param rows that it takes of its next pass
     */
    public record Progress<T>(T tag, SampleSpec spec, int step, int rows) {}

    /**
     * Wants to see what the network takes an image for on the way to it.
     *
     * @param <T> as of the batch
     */
    public interface Estimates<T> {
        /** Whether the estimate of this trajectory's next step is worth a copy from the device. */
        boolean wants(T tag);

        /**
         * Called at each step for which {@link #wants} holds and that asks the network.
         *
         * @param x0 the clean latent as the guided prediction has it, [C, H, W]
         */
        void take(T tag, float[] x0);

        /** Of nothing. */
        static <T> Estimates<T> none() {
            return new Estimates<>() {
                @Override
                public boolean wants(T tag) {
                    return false;
                }

                @Override
                public void take(T tag, float[] x0) {
                    throw new IllegalStateException("an estimate that nobody wants");
                }
            };
        }
    }

    private static final class Slot<T> {
        final T tag;
        SampleSpec spec;
        SamplingPlan plan;
        int step;

        Slot(T tag, SampleSpec spec, SamplingPlan plan, int step) {
            this.tag = tag;
            this.spec = spec;
            this.plan = plan;
            this.step = step;
        }

        SamplingPlan.Step next() {
            return plan.steps().get(step);
        }

        int rows() {
            return next().asks() ? spec.guidance().rows(next().t()) : 0;
        }

        boolean isMultistep() {
            return plan.isMultistep();
        }

        boolean isAtLast() {
            return step == plan.steps().size() - 1;
        }

        boolean isDone() {
            return step == plan.steps().size();
        }

        /** Tensors of history that it has at this step. */
        int historySize() {
            return step == 0 ? 0 : plan.historySize();
        }
    }

    private final DiffusionModel model;
    private final int maxRows;
    private final Noise noise;
    private final NDManager manager;
    private final Shape latentShape; // [C, H, W]
    private final Plans plans;
    private final List<Slot<T>> slots = new ArrayList<>(); // oldest first; slot i owns row i of latents
    private final RowTable latents; // [N, C, H, W]
    private final Histories histories; // in the order of the slots
    private long stepsDone;
    private long rowsDone;

    /**
     * @param maxRows most rows of one pass of the network, at least 2
     * @param noise {@link Noise#SEEDED} unless recorded noise is replayed
     * @param owner parent of everything that this batch allocates
     */
    public DenoiseBatch(DiffusionModel model, int maxRows, Noise noise, NDManager owner) {
        if (maxRows < 2) {
            throw new IllegalArgumentException(
                    "the row budget is " + maxRows + ", expected at least 2: a guided sample takes two rows");
        }
        this.model = model;
        this.maxRows = maxRows;
        this.noise = noise;
        plans = new Plans(model);
        manager = owner.newSubManager();
        latents = new RowTable(manager);
        int side = model.config().inputSize();
        latentShape = new Shape(model.config().inChannels(), side, side);
        histories = new Histories(model.ops(), manager, latentShape);
    }

    /** Whether {@code spec} fits into the budget of the next pass beside those in flight. */
    public boolean hasRoomFor(SampleSpec spec) {
        return rowsInFlight() + firstRows(spec) <= maxRows;
    }

    /** Rows that {@code spec} takes in its first pass. */
    public int firstRows(SampleSpec spec) {
        return spec.guidance().rows(plans.of(spec).steps().get(0).t());
    }

    /** Rows that the next pass would take if the budget allowed it. */
    public int rowsInFlight() {
        return slots.stream().mapToInt(Slot::rows).sum();
    }

    public int size() {
        return slots.size();
    }

    public boolean isEmpty() {
        return slots.isEmpty();
    }

    /** How far each trajectory is, oldest first: {@link #step(int[])} knows them by their place in this list. */
    public List<Progress<T>> progress() {
        return slots.stream()
                .map(slot -> new Progress<>(slot.tag, slot.spec, slot.step, slot.rows()))
                .toList();
    }

    /** Passes of the network so far. */
    public long stepsDone() {
        return stepsDone;
    }

    /** Rows of all passes so far. */
    public long rowsDone() {
        return rowsDone;
    }

    /** Starts a trajectory from its noise. */
    public void admit(T tag, SampleSpec spec) {
        int size = model.config().latentSize();
        resume(new InFlight<>(tag, spec, 0, noise.normal(spec.seed(), spec.sample(), 0, size), List.of()));
    }

    /**
     * Takes a saved trajectory up again where it was.
     *
     * @throws IllegalArgumentException if it does not fit the model; the batch is then as before
     */
    public void resume(InFlight<T> saved) {
        requireFit(saved);
        Slot<T> slot = new Slot<>(saved.tag(), saved.spec(), plans.of(saved.spec()), saved.step());
        if (slot.step < 0 || slot.step >= slot.plan.steps().size()) {
            throw new IllegalArgumentException("a saved trajectory has done " + slot.step + " of "
                    + slot.plan.steps().size() + " steps, expected fewer");
        }
        requireHistory(slot, saved.history());
        latents.append(manager.create(saved.latent(), batchOf(1)));
        if (slot.isMultistep()) {
            histories.append(saved.history());
        }
        slots.add(slot);
    }

    /** Lets a trajectory go on in {@code left} steps, which are fewer than it has. */
    public void shorten(T tag, int left) {
        for (Slot<T> slot : slots) {
            if (slot.tag == tag) {
                slot.spec = slot.spec.shortened(slot.step, left);
                slot.plan = plans.of(slot.spec);
            }
        }
    }

    /** Ends trajectories before their image, and returns what was attached to them. */
    public List<T> drop(Predicate<T> unwanted) {
        BitSet leaving = new BitSet();
        BitSet leavingHistories = new BitSet();
        List<T> dropped = new ArrayList<>();
        int history = 0;
        for (int i = 0; i < slots.size(); i++) {
            Slot<T> slot = slots.get(i);
            if (unwanted.test(slot.tag)) {
                leaving.set(i);
                leavingHistories.set(history, slot.isMultistep());
                dropped.add(slot.tag);
            }
            history += slot.isMultistep() ? 1 : 0;
        }
        try (NDManager m = manager.newSubManager()) {
            latents.remove(m, leaving);
            histories.remove(m, leavingHistories);
        }
        slots.removeIf(slot -> unwanted.test(slot.tag));
        return dropped;
    }

    private void requireHistory(Slot<T> slot, List<float[]> history) {
        int size = model.config().latentSize();
        if (history.size() != slot.historySize() || history.stream().anyMatch(kept -> kept.length != size)) {
            throw new IllegalArgumentException("a saved trajectory has a history of "
                    + history.stream().map(kept -> kept.length).toList() + " numbers, expected " + slot.historySize()
                    + " times " + size + " for " + slot.spec.sampler() + " after " + slot.step + " steps");
        }
    }

    private void requireFit(InFlight<T> saved) {
        DiTConfig config = model.config();
        if (saved.latent().length != config.latentSize()) {
            throw new IllegalArgumentException("a saved latent has " + saved.latent().length
                    + " numbers, the model's have " + config.latentSize() + ": it was made by a model of another size");
        }
        SampleSpec spec = saved.spec();
        if (spec.subclass() < 0 || spec.subclass() >= config.subclasses()) {
            throw new IllegalArgumentException("subclass is " + spec.subclass() + ", the model has "
                    + config.subclasses() + ": expected 0 to " + (config.subclasses() - 1));
        }
        spec.guidance().requireSupportedBy(config);
    }

    /** Advances the trajectories by one step, oldest first within the row budget, and returns those that are done. */
    public List<Finished<T>> step() {
        return step(IntStream.range(0, countWithinBudget()).toArray(), Estimates.none());
    }

    /**
     * Advances some trajectories by one step, and returns those that are done.
     *
     * @param chosen their places in {@link #progress}, ascending; none is a step of none
     * @param estimates told what the images will be like
     * @throws IllegalArgumentException if they take more rows than the budget
     */
    public List<Finished<T>> step(int[] chosen, Estimates<T> estimates) {
        if (chosen.length == 0) {
            return List.of();
        }
        List<Slot<T>> advancing = IntStream.of(chosen).mapToObj(slots::get).toList();
        int asked = advancing.stream().mapToInt(Slot::rows).sum();
        if (asked > maxRows) {
            throw new IllegalArgumentException("a step of " + asked + " rows, expected at most " + maxRows);
        }
        List<Finished<T>> finished = new ArrayList<>();
        try (NDManager m = manager.newSubManager()) {
            NDArray x = latents.pick(m, chosen); // [n, C, H, W]
            NDArray prediction = predict(m, x, advancing); // [n, 2C, H, W]
            tell(estimates, x, prediction, advancing);
            NDArray next = model.ops().samplerStep(m, x, prediction, noise(m, advancing), coefficients(m, advancing));
            next = histories.advance(m, x, prediction, next, multistep(chosen));
            retire(m, next, chosen, finished);
        }
        return finished;
    }

    /** The network's guided prediction for each slot that asks for it, and 0 for the others. */
    private NDArray predict(NDManager m, NDArray x, List<Slot<T>> advancing) {
        DiTConfig config = model.config();
        PassRows rows = PassRows.of(
                config,
                advancing.stream().map(slot -> slot.spec).toList(),
                advancing.stream().map(Slot::next).toList());
        if (rows.size() == 0) {
            return m.zeros(outputsOf(advancing.size()));
        }
        stepsDone++;
        rowsDone += rows.size();
        boolean allAsk = rows.asked().length == advancing.size();
        NDArray asked = allAsk ? x : x.get(m.create(rows.asked())); // [F, C, H, W]
        NDArray out = model.dit().forward(m, asked, rows.guided(), rows.t(), rows.labels()); // [R, 2C, H, W]
        if (allAsk && rows.guided().length == 0) {
            return out;
        }
        if (!allAsk) {
            out = NDArrays.concat(new NDList(out, m.zeros(outputsOf(1))), 0); // [R + 1, 2C, H, W]
            out.attach(m);
        }
        NDArray scale = m.create(rows.scale(), new Shape(advancing.size(), config.inChannels()));
        return model.ops().guide(m, out, m.create(rows.fineRow()), m.create(rows.coarseRow()), scale); // [n, 2C, H, W]
    }

    private void tell(Estimates<T> estimates, NDArray x, NDArray prediction, List<Slot<T>> advancing) {
        for (int i = 0; i < advancing.size(); i++) {
            Slot<T> slot = advancing.get(i);
            if (slot.next().asks() && estimates.wants(slot.tag)) {
                double alphaBar = model.schedule().alphaBars()[slot.next().t()];
                Linear x0 = Linear.x0(alphaBar).forPrediction(model.prediction(), alphaBar);
                float[] latent = x.get(i).toFloatArray(); // [C, H, W]
                float[] predicted = prediction.get(i).toFloatArray(); // [2C, H, W]
                for (int j = 0; j < latent.length; j++) {
                    latent[j] = (float) (x0.x() * latent[j] + x0.prediction() * predicted[j]);
                }
                estimates.take(slot.tag, latent);
            }
        }
    }

    private NDArray noise(NDManager m, List<Slot<T>> advancing) {
        int size = model.config().latentSize();
        float[] values = new float[advancing.size() * size];
        for (int i = 0; i < advancing.size(); i++) {
            Slot<T> slot = advancing.get(i);
            if (slot.next().addsNoise()) {
                float[] drawn = noise.normal(slot.spec.seed(), slot.spec.sample(), slot.step + 1, size);
                System.arraycopy(drawn, 0, values, i * size, size);
            }
        }
        return m.create(values, batchOf(advancing.size())); // [n, C, H, W]
    }

    private static <T> NDArray coefficients(NDManager m, List<Slot<T>> advancing) {
        float[] k = new float[advancing.size() * SamplingPlan.COEFFICIENTS];
        for (int i = 0; i < advancing.size(); i++) {
            advancing.get(i).next().write(k, i * SamplingPlan.COEFFICIENTS);
        }
        return m.create(k, new Shape(advancing.size(), SamplingPlan.COEFFICIENTS)); // [n, 5]
    }

    private List<Histories.Advance> multistep(int[] chosen) {
        List<Histories.Advance> advances = new ArrayList<>();
        int row = 0; // of the history of the slot
        int i = 0;
        for (int at = 0; at < slots.size() && i < chosen.length; at++) {
            Slot<T> slot = slots.get(at);
            if (at == chosen[i]) {
                if (slot.isMultistep()) {
                    advances.add(new Histories.Advance(row, i, slot.next(), slot.isAtLast()));
                }
                i++;
            }
            row += slot.isMultistep() ? 1 : 0;
        }
        return advances;
    }

    /** Moves the advanced slots on, and takes out those that are done. */
    private void retire(NDManager m, NDArray next, int[] chosen, List<Finished<T>> finished) {
        BitSet done = new BitSet();
        for (int i = 0; i < chosen.length; i++) {
            Slot<T> slot = slots.get(chosen[i]);
            slot.step++;
            if (slot.isDone()) {
                finished.add(new Finished<>(slot.tag, slot.spec, next.get(i).toFloatArray()));
                done.set(i);
            }
        }
        latents.replace(m, chosen, next, done);
        slots.removeIf(Slot::isDone);
    }

    private int countWithinBudget() {
        int rows = 0;
        int n = 0;
        while (n < slots.size() && rows + slots.get(n).rows() <= maxRows) {
            rows += slots.get(n++).rows();
        }
        return n;
    }

    /** What a checkpoint needs, oldest first; the arrays are fresh copies. */
    public List<InFlight<T>> inFlight() {
        float[] values = latents.toFloatArray();
        Iterator<List<float[]>> kept = histories
                .save(slots.stream()
                        .filter(Slot::isMultistep)
                        .mapToInt(Slot::historySize)
                        .toArray())
                .iterator();
        int size = model.config().latentSize();
        List<InFlight<T>> saved = new ArrayList<>();
        for (int i = 0; i < slots.size(); i++) {
            Slot<T> slot = slots.get(i);
            float[] latent = Arrays.copyOfRange(values, i * size, (i + 1) * size);
            List<float[]> history = slot.isMultistep() ? kept.next() : List.of();
            saved.add(new InFlight<>(slot.tag, slot.spec, slot.step, latent, history));
        }
        return saved;
    }

    private Shape batchOf(int n) {
        return new Shape(n).addAll(latentShape);
    }

    private Shape outputsOf(int n) {
        return new Shape(n, 2 * latentShape.get(0)).addAll(latentShape.slice(1));
    }

    /** Arrays that the batch holds between two steps. */
    int arraysHeld() {
        return manager.getManagedArrays().size();
    }

    @Override
    public void close() {
        manager.close();
    }
}
