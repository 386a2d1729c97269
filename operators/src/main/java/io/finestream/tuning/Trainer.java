package io.finestream.tuning;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.finestream.diffusion.LossCoefficients;
import io.finestream.diffusion.NoiseSchedule;
import io.finestream.diffusion.PredictionType;
import io.finestream.dit.ComputeType;
import io.finestream.dit.DiT;
import io.finestream.dit.DiTConfig;
import io.finestream.torch.TorchOps;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/**
 * One optimizer step at a time: loss (specification of FineDiffusion: mean squared error plus the variational bound in
 * bits), back-propagation, AdamW (arXiv 1711.05101) and an exponential moving average of the parameters.
 *
 * <p>Belongs to one thread, which must be prepared with gradients on.
 */
public final class Trainer implements AutoCloseable {

    private static final double ADAM_EPS = 1e-8;

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

    /**
     * What a step found; losses are means over the batch.
     *
     * @param mse mean squared error of the prediction
     * @param vb variational bound in bits
     * @param gradNorm global norm of the gradient, before clipping
     */
    public record StepResult(double mse, double vb, double gradNorm) {}

    private final TorchOps ops;
    private final TorchOps updates;
    private final NDManager manager;
    private final Options options;
    private final DiTConfig config;
    private final DiT dit;
    private final LossCoefficients coefficients;
    private final Map<String, NDArray> parameters;
    private final Map<String, NDArray> ema = new LinkedHashMap<>();
    private final List<NDArray> trainable = new ArrayList<>();
    private final List<NDArray> firstMoments = new ArrayList<>();
    private final List<NDArray> secondMoments = new ArrayList<>();
    private final List<NDArray> steps = new ArrayList<>();
    private final NDArray maxGradNorm;
    private long step;

    /**
     * @param initial every parameter of the network; copied
     * @param isTrainable by parameter name; the others stay frozen
     */
    public Trainer(
            TorchOps inferenceOps,
            NDManager owner,
            DiTConfig config,
            NoiseSchedule schedule,
            PredictionType prediction,
            ComputeType computeType,
            Map<String, NDArray> initial,
            Predicate<String> isTrainable,
            Options options) {
        ops = inferenceOps.withAutograd();
        updates = inferenceOps;
        manager = owner.newSubManager();
        this.options = options;
        this.config = config;
        parameters = copy(initial);
        coefficients = new LossCoefficients(schedule, prediction);
        dit = new DiT(ops, config, parameters, computeType);
        maxGradNorm = manager.create(options.maxGradNorm());
        parameters.forEach((name, parameter) -> {
            if (isTrainable.test(name)) {
                ema.put(name, copy(parameter));
                parameter.setRequiresGradient(true);
                trainable.add(parameter);
                firstMoments.add(manager.zeros(parameter.getShape()));
                secondMoments.add(manager.zeros(parameter.getShape()));
                steps.add(manager.create(0f));
            }
        });
        if (trainable.isEmpty()) {
            throw new IllegalArgumentException(
                    "no parameter is trainable: the rule matches none of " + initial.keySet());
        }
    }

    /** One step on {@code batch} with this learning rate. */
    public StepResult step(TrainingBatch batch, double learningRate) {
        try (NDManager m = manager.newSubManager()) {
            NDArray losses = losses(m, batch); // [2, B]
            NDArray loss = ops.meanLoss(m, losses, m.ones(new Shape(batch.t().length)));
            TorchOps.backward(loss);
            List<NDArray> gradients = gradients(m);
            NDArray hyper = m.create(
                    new double[] {learningRate, options.beta1(), options.beta2(), ADAM_EPS, options.weightDecay()});
            NDArray norm =
                    updates.adamw(m, hyper, maxGradNorm, trainable, gradients, firstMoments, secondMoments, steps);
            step++;
            NDArray weight = m.create(1 - emaDecay());
            updates.lerp(m, weight, List.copyOf(ema.values()), trainable);
            float[] values = losses.toFloatArray();
            return new StepResult(mean(values, 0), mean(values, 1), norm.getFloat());
        }
    }

    /** An average over more steps than there have been would remember the initial values. */
    private double emaDecay() {
        return Math.min(options.emaDecay(), (1.0 + step) / (10.0 + step));
    }

    /** Mean squared error and variational bound per row, [2, B]. */
    NDArray losses(NDManager m, TrainingBatch batch) {
        int[] t = batch.t();
        Shape latents = new Shape(t.length, config.inChannels(), config.inputSize(), config.inputSize());
        Shape perRow = new Shape(t.length, 1, 1, 1);
        NDArray x0 = m.create(batch.x0(), latents); // [B, C, H, W]
        NDArray eps = m.create(batch.noise(), latents); // [B, C, H, W]
        NDArray signal = m.create(coefficients.signal(t), perRow);
        NDArray noise = m.create(coefficients.noise(t), perRow);
        NDArray xt = ops.addNoise(m, x0, eps, signal, noise); // [B, C, H, W]
        NDArray target = ops.addNoise(
                m,
                eps,
                x0,
                m.create(coefficients.target(t, 0), perRow),
                m.create(coefficients.target(t, 1), perRow)); // [B, C, H, W]
        NDArray out = dit.forward(m, xt, t, batch.labels()); // [B, 2C, H, W]
        NDArray k = m.create(coefficients.loss(t), new Shape(t.length, LossCoefficients.PER_ROW));
        return ops.diffusionLoss(m, out, target, x0, xt, k);
    }

    List<NDArray> gradients(NDManager m) {
        return trainable.stream()
                .map(parameter -> {
                    NDArray gradient = parameter.getGradient();
                    gradient.attach(m);
                    return gradient;
                })
                .toList();
    }

    /** Steps done, those before a restore included. */
    public long stepsDone() {
        return step;
    }

    /** Every parameter, trained or frozen, as of the last step. */
    public Map<String, NDArray> parameters() {
        return Collections.unmodifiableMap(parameters);
    }

    /** The moving average of the trained parameters, and the frozen ones as they are. */
    public Map<String, NDArray> averaged() {
        Map<String, NDArray> all = new LinkedHashMap<>(parameters);
        all.putAll(ema);
        return all;
    }

    /** Everything that the next steps depend on: trained parameters, averages, moments. */
    public Map<String, NDArray> state() {
        Map<String, NDArray> state = new LinkedHashMap<>();
        int i = 0;
        for (Map.Entry<String, NDArray> average : ema.entrySet()) {
            state.put("model." + average.getKey(), trainable.get(i));
            state.put("ema." + average.getKey(), average.getValue());
            state.put("first_moment." + average.getKey(), firstMoments.get(i));
            state.put("second_moment." + average.getKey(), secondMoments.get(i));
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
            boolean trained = name.startsWith("model.");
            if (trained) {
                array.setRequiresGradient(false);
            }
            value.copyTo(array);
            if (trained) {
                array.setRequiresGradient(true);
            }
        });
        steps.forEach(count -> count.set(new float[] {stepsDone}));
        step = stepsDone;
    }

    private Map<String, NDArray> copy(Map<String, NDArray> arrays) {
        Map<String, NDArray> copies = new LinkedHashMap<>();
        arrays.forEach((name, array) -> copies.put(name, copy(array)));
        return copies;
    }

    private NDArray copy(NDArray array) {
        NDArray copy = array.duplicate(); // a mapped tensor is read-only
        copy.attach(manager);
        copy.setName(null);
        return copy;
    }

    private static double mean(float[] losses, int part) {
        int b = losses.length / 2;
        double sum = 0;
        for (int i = 0; i < b; i++) {
            sum += losses[part * b + i];
        }
        return sum / b;
    }

    @Override
    public void close() {
        manager.close();
    }
}
