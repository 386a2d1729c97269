package io.finestream.tuning;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.finestream.torch.TorchOps;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Predicate;

/**
 * AdamW (arXiv 1711.05101) with gradient clipping and an exponential moving average, over those of a network's
 * parameters that are trained. Unlike the engine's optimizers it shows its moments, so that a run can be resumed.
 *
 * <p>Belongs to one thread, which must be prepared with gradients on.
 */
public final class AdamW implements AutoCloseable {

    /** Prefixes of {@link #state}'s names: the trained parameters, their moving averages and both moments. */
    public static final String MODEL = "model.";

    public static final String EMA = "ema.";
    public static final String FIRST_MOMENT = "first_moment.";
    public static final String SECOND_MOMENT = "second_moment.";

    private static final double EPS = 1e-8;

    /**
     * @param beta1 decay of the first moment
     * @param beta2 decay of the second moment
     * @param weightDecay decoupled weight decay per unit of learning rate
     * @param maxGradNorm gradients are clipped to this global norm; 0 for no clipping
     * @param emaDecay decay of the moving average per step
     */
    public record Options(double beta1, double beta2, double weightDecay, double maxGradNorm, double emaDecay) {
        /** The optimizer of DiT and FineDiffusion. */
        public static final Options REFERENCE = new Options(0.9, 0.999, 0, 0, 0.9999);
    }

    private final TorchOps ops;
    private final NDManager manager;
    private final Options options;
    private final Map<String, NDArray> parameters = new LinkedHashMap<>();
    private final Map<String, NDArray> ema = new LinkedHashMap<>();
    private final List<NDArray> trainable = new ArrayList<>();
    private final List<NDArray> firstMoments = new ArrayList<>();
    private final List<NDArray> secondMoments = new ArrayList<>();
    private final List<NDArray> steps = new ArrayList<>();
    private final NDArray maxGradNorm;
    private long step;

    /**
     * @param ops for inference: an update records no gradients
     * @param initial every parameter of the network. Those that are trained are copied: a mapped tensor is read-only.
     *     The others are borrowed and stay as they are; they may not have been made by operations for inference, which
     *     gradients can not pass.
     * @param isTrainable by parameter name
     */
    public AdamW(
            TorchOps ops,
            NDManager owner,
            Map<String, NDArray> initial,
            Predicate<String> isTrainable,
            Options options) {
        this.ops = ops;
        this.options = options;
        manager = owner.newSubManager();
        maxGradNorm = manager.create(options.maxGradNorm());
        initial.forEach((name, array) -> {
            if (!isTrainable.test(name)) {
                parameters.put(name, array);
            } else {
                NDArray parameter = copy(array);
                parameters.put(name, parameter);
                ema.put(name, copy(array));
                parameter.setRequiresGradient(true);
                trainable.add(parameter);
                firstMoments.add(manager.zeros(parameter.getShape()));
                secondMoments.add(manager.zeros(parameter.getShape()));
                steps.add(manager.create(0f));
            }
        });
        if (trainable.isEmpty()) {
            manager.close();
            throw new IllegalArgumentException(
                    "no parameter is trainable: the rule matches none of " + initial.keySet());
        }
    }

    /** Every parameter, trained or frozen; an update changes them in place. */
    public Map<String, NDArray> parameters() {
        return parameters;
    }

    /** The moving average of the trained parameters, and the frozen ones as they are. */
    public Map<String, NDArray> averaged() {
        Map<String, NDArray> all = new LinkedHashMap<>(parameters);
        all.putAll(ema);
        return all;
    }

    /** The moving average of each trained parameter. */
    public Map<String, NDArray> averages() {
        return Collections.unmodifiableMap(ema);
    }

    /** Updates made, those before a restore included. */
    public long stepsDone() {
        return step;
    }

    /**
     * Back-propagates a scalar loss and updates the parameters.
     *
     * @param m receives what is made on the way
     * @return global norm of the gradient, before clipping
     */
    public double step(NDManager m, NDArray loss, double learningRate) {
        TorchOps.backward(loss);
        return update(m, Map.of(), learningRate);
    }

    /**
     * Updates the parameters by their gradients.
     *
     * @param m receives what is made on the way
     * @param given gradients that the parameters do not hold themselves, by name
     * @return global norm of the gradient, before clipping
     */
    double update(NDManager m, Map<String, NDArray> given, double learningRate) {
        NDArray hyper =
                m.create(new double[] {learningRate, options.beta1(), options.beta2(), EPS, options.weightDecay()});
        NDArray norm =
                ops.adamw(m, hyper, maxGradNorm, trainable, gradients(m, given), firstMoments, secondMoments, steps);
        step++;
        ops.lerp(m, m.create(1 - emaDecay()), List.copyOf(ema.values()), trainable);
        return norm.getFloat();
    }

    /** An average over more steps than there have been would remember the initial values. */
    private double emaDecay() {
        return Math.min(options.emaDecay(), (1.0 + step) / (10.0 + step));
    }

    /** Gradients of the trained parameters, in their order: those given, and handles to what parameters hold. */
    List<NDArray> gradients(NDManager m, Map<String, NDArray> given) {
        List<NDArray> gradients = new ArrayList<>();
        for (String name : ema.keySet()) {
            NDArray gradient = given.get(name);
            if (gradient == null) {
                gradient = Objects.requireNonNull(parameters.get(name)).getGradient();
                gradient.attach(m);
            }
            gradients.add(gradient);
        }
        return gradients;
    }

    /** Everything that the next steps depend on: trained parameters, averages, moments. */
    public Map<String, NDArray> state() {
        Map<String, NDArray> state = new LinkedHashMap<>();
        int i = 0;
        for (Map.Entry<String, NDArray> average : ema.entrySet()) {
            state.put(MODEL + average.getKey(), trainable.get(i));
            state.put(EMA + average.getKey(), average.getValue());
            state.put(FIRST_MOMENT + average.getKey(), firstMoments.get(i));
            state.put(SECOND_MOMENT + average.getKey(), secondMoments.get(i));
            i++;
        }
        return state;
    }

    /**
     * Goes back to a saved {@link #state}.
     *
     * @param saved float32 tensors by the names of {@link #state}
     * @param stepsDone as it was when the state was saved
     */
    public void restore(Map<String, NDArray> saved, long stepsDone) {
        state().forEach((name, array) -> {
            NDArray value = saved.get(name);
            if (value == null || !value.getShape().equals(array.getShape())) {
                throw new IllegalArgumentException("the saved training state has "
                        + (value == null ? "no tensor '" + name + "'" : name + " as " + value.getShape())
                        + ", expected " + array.getShape() + "; it was made with another network");
            }
            boolean trained = name.startsWith(MODEL);
            if (trained) {
                array.setRequiresGradient(false);
            }
            ops.copyInto(array, value);
            if (trained) {
                array.setRequiresGradient(true);
            }
        });
        steps.forEach(count -> count.set(new float[] {stepsDone}));
        step = stepsDone;
    }

    /**
     * Appends rows to a parameter that is trained, as a label table gains classes between two steps. Their moving average
     * starts as they do, their moments at zero; rows that were there keep all three.
     *
     * <p>The parameter is another tensor afterwards and the old one is closed: networks built on {@link #parameters} must
     * be built anew.
     *
     * @param newRows of the parameter's shape but for their number; copied
     */
    public void grow(String name, NDArray newRows) {
        int index = List.copyOf(ema.keySet()).indexOf(name);
        if (index < 0) {
            throw new IllegalArgumentException(
                    "parameter '" + name + "' can not grow: it is not trained; trained are " + ema.keySet());
        }
        Shape row = trainable.get(index).getShape().slice(1);
        if (!newRows.getShape().slice(1).equals(row)) {
            throw new IllegalArgumentException("parameter '" + name + "' has rows of " + row + ", but "
                    + newRows.getShape() + " was to be appended; expected rows of the same shape");
        }
        NDArray parameter = appended(trainable.get(index), newRows);
        parameter.setRequiresGradient(true);
        trainable.set(index, parameter);
        parameters.put(name, parameter);
        ema.computeIfPresent(name, (key, average) -> appended(average, newRows));
        try (NDArray zeros = newRows.zerosLike()) {
            firstMoments.set(index, appended(firstMoments.get(index), zeros));
            secondMoments.set(index, appended(secondMoments.get(index), zeros));
        }
    }

    /** Both without what the engine may have recorded of them, so that the result can require gradients itself. */
    private NDArray appended(NDArray rows, NDArray more) {
        try (NDArray first = rows.stopGradient();
                NDArray second = more.stopGradient()) {
            NDArray all = first.concat(second);
            all.attach(manager);
            rows.close();
            return all;
        }
    }

    private NDArray copy(NDArray array) {
        NDArray copy = manager.create(array.getShape(), array.getDataType());
        ops.copyInto(copy, array);
        return copy;
    }

    @Override
    public void close() {
        manager.close();
    }
}
