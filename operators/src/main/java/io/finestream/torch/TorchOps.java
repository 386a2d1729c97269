package io.finestream.torch;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValue;
import ai.djl.pytorch.jni.IValueUtils;
import ai.djl.pytorch.jni.JniUtils;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;

/**
 * Calls the functions of {@code ops.torchscript}, one Java method each; shapes are in that file. Nothing else in the
 * project touches JNI.
 *
 * <p>One instance runs either for inference (results can not take part in autograd; less overhead) or with autograd
 * where the thread's gradient mode is on. Thread-safe in inference; autograd belongs to one thread.
 */
public final class TorchOps {

    private static final String ENGINE = "PyTorch";
    private static final String RESOURCE = "ops.torchscript";

    static {
        // before the engine is touched: it is on the class path, fetches nothing and tells nobody
        setUnlessSet("ai.djl.offline", "true");
        setUnlessSet("OPT_OUT_TRACKING", "true");
    }

    private final PtSymbolBlock module;
    private final NDManager cpu;
    private final Map<Number, NDArray> scalars;
    private final boolean autograd;

    private TorchOps(PtSymbolBlock module, NDManager cpu, Map<Number, NDArray> scalars, boolean autograd) {
        this.module = module;
        this.cpu = cpu;
        this.scalars = scalars;
        this.autograd = autograd;
    }

    /** Compiles the functions on the device of {@code owner}; they live until {@code owner} is closed. */
    public static TorchOps load(NDManager owner) {
        try (InputStream in = Objects.requireNonNull(TorchOps.class.getResourceAsStream(RESOURCE), RESOURCE)) {
            byte[] archive = TorchScriptArchive.pack(new String(in.readAllBytes(), StandardCharsets.UTF_8));
            return new TorchOps(
                    JniUtils.loadModule((PtNDManager) owner, new ByteArrayInputStream(archive), true, false),
                    owner.newSubManager(Device.cpu()),
                    new ConcurrentHashMap<>(),
                    false);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + RESOURCE + " from the operators jar", e);
        }
    }

    public boolean recordsGradients() {
        return autograd;
    }

    /** The same functions, recording gradients. */
    public TorchOps withAutograd() {
        return new TorchOps(module, cpu, scalars, true);
    }

    /** An integer as functions take it, for the life of these functions: on the CPU, since a GPU would have to be waited for. */
    public NDArray scalar(long value) {
        return scalars.computeIfAbsent(value, key -> cpu.create(value));
    }

    /** The same of a number, in double precision. */
    public NDArray scalar(double value) {
        return scalars.computeIfAbsent(value, key -> cpu.create(value));
    }

    /**
     * A root manager on {@code device}; the engine is started on first use.
     *
     * @throws IllegalArgumentException if the device is a GPU that the engine does not see
     */
    public static NDManager newManager(Device device) {
        NDManager manager = NDManager.newBaseManager(device, ENGINE);
        if (device.isGpu() && device.getDeviceId() >= gpuCount()) {
            manager.close();
            throw new IllegalArgumentException("device " + device + " was asked for, but the engine sees "
                    + gpuCount()
                    + " GPUs; start with --device cpu, or install the CUDA build of the engine");
        }
        return manager;
    }

    /** GPUs that the engine sees. */
    public static int gpuCount() {
        return Engine.getEngine(ENGINE).getGpuCount();
    }

    public static String engineVersion() {
        return Engine.getEngine(ENGINE).getVersion();
    }

    private static void setUnlessSet(String property, String value) {
        if (System.getProperty(property) == null) {
            System.setProperty(property, value);
        }
    }

    /**
     * Settings that the engine keeps per thread: call once on every thread that runs a model.
     *
     * @param intraOpThreads threads of one operation, at least 1
     */
    public static void prepareThread(int intraOpThreads, boolean gradients) {
        Engine.getEngine(ENGINE); // loads the native library
        JniUtils.setNumThreads(intraOpThreads);
        JniUtils.setGradMode(gradients);
        JniUtils.setGraphExecutorOptimize(false);
    }

    /** Threads of one operation that is called on this thread. */
    public static int intraOpThreads() {
        Engine.getEngine(ENGINE); // loads the native library
        return JniUtils.getNumThreads();
    }

    /** Sets them. A thread that sets none has what was set last on another. */
    public static void setIntraOpThreads(int threads) {
        JniUtils.setNumThreads(threads);
    }

    /** Switches the recording of gradients on this thread. */
    public static void recordGradients(boolean gradients) {
        JniUtils.setGradMode(gradients);
    }

    /** Back-propagates a scalar; gradients accumulate in the leaves that require them. */
    public static void backward(NDArray loss) {
        try (NDArray one = loss.onesLike()) {
            backward(loss, one);
        }
    }

    /** Back-propagates from a tensor, the gradient of which is known; gradients accumulate as above. */
    public static void backward(NDArray tensor, NDArray gradient) {
        JniUtils.backward((PtNDArray) tensor, (PtNDArray) gradient, false, false);
    }

    /** Whether gradients pass through a tensor; DJL's own answer is for leaves alone. */
    public boolean isRecorded(NDArray tensor) {
        return run("is_recorded", new Object[] {tensor}, IValue::toBoolean);
    }

    public NDArray patchEmbed(NDManager m, NDArray x, NDArray weight, NDArray bias, NDArray pos) {
        return call(m, "patch_embed", x, weight, bias, pos);
    }

    public NDArray unpatchify(NDManager m, NDArray x, NDArray patch) {
        return call(m, "unpatchify", x, patch);
    }

    public NDArray timestepMlp(NDManager m, NDArray e, NDArray w0, NDArray b0, NDArray w2, NDArray b2) {
        return call(m, "timestep_mlp", e, w0, b0, w2, b2);
    }

    public NDArray tieredRows(NDManager m, NDArray fine, NDArray coarse, NDArray rows, NDArray isFine) {
        return call(m, "tiered_rows", fine, coarse, rows, isFine);
    }

    public NDArray condition(NDManager m, NDArray t, NDArray y, NDArray x) {
        return call(m, "condition", t, y, x);
    }

    public NDArray block(
            NDManager m,
            NDArray x,
            NDArray c,
            NDArray rows,
            NDArray heads,
            NDArray eps2,
            NDArray attention,
            List<NDArray> weights) {
        return call(m, "block", x, c, rows, heads, eps2, attention, weights);
    }

    /** @return the block's result, then what {@link #blockBackward} takes of it; not recorded */
    public List<NDArray> blockForTraining(
            NDManager m, NDArray x, NDArray c, NDArray heads, NDArray eps2, List<NDArray> weights) {
        return callForList(m, "block_for_training", x, c, heads, eps2, weights);
    }

    /**
     * @param g gradient of the block's result
     * @param gc that of c, as far as it comes from what follows the block
     * @return gradients of x, of c, and of the vectors among the weights, in their order; not recorded
     */
    public List<NDArray> blockBackward(
            NDManager m, NDArray g, NDArray gc, NDArray heads, List<NDArray> weights, List<NDArray> saved) {
        return callForList(m, "block_backward", g, gc, heads, weights, saved);
    }

    public NDArray finalLayer(NDManager m, NDArray x, NDArray c, NDArray rows, List<NDArray> weights) {
        return call(m, "final_layer", x, c, rows, weights);
    }

    public NDArray guide(NDManager m, NDArray out, NDArray fine, NDArray coarse, NDArray scale) {
        return call(m, "guide", out, fine, coarse, scale);
    }

    public NDArray samplerStep(NDManager m, NDArray x, NDArray out, NDArray noise, NDArray coefficients) {
        return call(m, "sampler_step", x, out, noise, coefficients);
    }

    public NDArray addHistory(NDManager m, NDArray next, NDArray history, NDArray rows, NDArray coefficients) {
        return call(m, "add_history", next, history, rows, coefficients);
    }

    public NDArray nextHistory(
            NDManager m, NDArray x, NDArray out, NDArray history, NDArray rows, NDArray coefficients) {
        return call(m, "next_history", x, out, history, rows, coefficients);
    }

    public NDArray addNoise(NDManager m, NDArray x0, NDArray eps, NDArray a, NDArray s) {
        return call(m, "add_noise", x0, eps, a, s);
    }

    public NDArray diffusionLoss(NDManager m, NDArray out, NDArray target, NDArray x0, NDArray xt, NDArray k) {
        return call(m, "diffusion_loss", out, target, x0, xt, k);
    }

    public NDArray meanLoss(NDManager m, NDArray losses, NDArray mseWeights) {
        return call(m, "mean_loss", losses, mseWeights);
    }

    public NDArray convolution(NDManager m, NDArray x, NDArray weight, NDArray bias) {
        return call(m, "convolution", x, weight, bias);
    }

    public NDArray pointwise(NDManager m, NDArray x, NDArray weight, NDArray bias) {
        return call(m, "pointwise", x, weight, bias);
    }

    public NDArray downsample(NDManager m, NDArray x, NDArray weight, NDArray bias) {
        return call(m, "downsample", x, weight, bias);
    }

    public NDArray upsample(NDManager m, NDArray x, NDArray weight, NDArray bias) {
        return call(m, "upsample", x, weight, bias);
    }

    public NDArray normConvolution(
            NDManager m,
            NDArray x,
            NDArray groups,
            NDArray normWeight,
            NDArray normBias,
            NDArray weight,
            NDArray bias) {
        return call(m, "norm_convolution", x, groups, normWeight, normBias, weight, bias);
    }

    public NDArray resnet(NDManager m, NDArray x, NDArray groups, List<NDArray> weights) {
        return call(m, "resnet", x, groups, weights);
    }

    public NDArray cellAttention(NDManager m, NDArray x, NDArray groups, List<NDArray> weights) {
        return call(m, "cell_attention", x, groups, weights);
    }

    public NDArray samplePosterior(NDManager m, NDArray moments, NDArray noise) {
        return call(m, "sample_posterior", moments, noise);
    }

    public NDArray autoencoderLoss(NDManager m, NDArray image, NDArray decoded, NDArray moments) {
        return call(m, "autoencoder_loss", image, decoded, moments);
    }

    public NDArray normSilu(NDManager m, NDArray x, NDArray groups, NDArray weight, NDArray bias) {
        return call(m, "norm_silu", x, groups, weight, bias);
    }

    public NDArray cellMean(NDManager m, NDArray x) {
        return call(m, "cell_mean", x);
    }

    public NDArray linear(NDManager m, NDArray x, NDArray weight, NDArray bias) {
        return call(m, "linear", x, weight, bias);
    }

    public NDArray crossEntropy(NDManager m, NDArray logits, NDArray labels, NDArray smoothing) {
        return call(m, "cross_entropy", logits, labels, smoothing);
    }

    public NDArray adamw(
            NDManager m,
            NDArray hyper,
            NDArray maxNorm,
            List<NDArray> p,
            List<NDArray> g,
            List<NDArray> firstMoments,
            List<NDArray> secondMoments,
            List<NDArray> steps) {
        return call(m, "adamw", hyper, maxNorm, p, g, firstMoments, secondMoments, steps);
    }

    public NDArray lerp(NDManager m, NDArray weight, List<NDArray> e, List<NDArray> w) {
        return call(m, "lerp", weight, e, w);
    }

    /** A weight for {@link #linear} and blocks alone; on the CPU. */
    public NDArray packWeight(NDManager m, NDArray weight) {
        return call(m, "pack_weight", weight);
    }

    /** A copy that can require gradients, even of what was made for inference; only with autograd. */
    public NDArray leaf(NDManager m, NDArray x) {
        NDArray leaf = call(m, "detached_copy", x);
        leaf.setRequiresGradient(true);
        return leaf;
    }

    public NDArray toBfloat16(NDManager m, NDArray x) {
        return call(m, "to_bfloat16", x);
    }

    /** Sets numbers of {@code target}, from number {@code start} on, to the nearest of their type. */
    public void roundInto(NDArray target, long start, NDArray numbers) {
        try (NDManager m = target.getManager().newSubManager();
                NDArray first = cpu.create(start)) {
            var unused = call(m, "round_into", target, first, numbers);
        }
    }

    /** Sets what {@code target} holds, which requires no gradient; the engine's own copy, unlike {@link NDArray#copyTo}. */
    public void copyInto(NDArray target, NDArray x) {
        try (NDManager m = target.getManager().newSubManager()) {
            var unused = call(m, "copy_into", target, x);
        }
    }

    public NDArray toFloat32(NDManager m, NDArray x) {
        return call(m, "to_float32", x);
    }

    /** The same memory, read as bfloat16. Where that is a buffer's, {@code x} must outlive the result. */
    public NDArray float16AsBfloat16(NDManager m, NDArray x) {
        return call(m, "float16_as_bfloat16", x);
    }

    /** @param args an {@link NDArray}, or a {@code List<NDArray>} for a parameter of type {@code List[Tensor]} */
    private NDArray call(NDManager m, String function, Object... args) {
        return autograd ? callWithAutograd(m, function, args) : callForInference(m, function, args);
    }

    private NDArray callForInference(NDManager m, String function, Object[] args) {
        return run(function, args, result -> result.toTensor((PtNDManager) m));
    }

    private List<NDArray> callForList(NDManager m, String function, Object... args) {
        return run(function, args, result -> List.of(result.toTensorArray((PtNDManager) m)));
    }

    private <T> T run(String function, Object[] args, Function<IValue, T> read) {
        IValue[] values = new IValue[args.length];
        for (int i = 0; i < args.length; i++) {
            values[i] = args[i] instanceof NDArray a
                    ? IValue.from((PtNDArray) a)
                    : IValue.listFrom(((List<?>) args[i]).toArray(PtNDArray[]::new));
        }
        try (IValue result = IValueUtils.runMethod(module, function, values)) {
            return read.apply(result);
        } finally {
            for (IValue value : values) {
                value.close();
            }
        }
    }

    /** The engine's only entry without inference mode takes a flat list and tells lists apart by the arrays' names. */
    private NDArray callWithAutograd(NDManager m, String function, Object[] args) {
        NDList inputs = new NDList();
        List<NDArray> named = new ArrayList<>();
        for (int i = 0; i < args.length; i++) {
            if (args[i] instanceof NDArray a) {
                inputs.add(a);
            } else {
                for (Object a : (List<?>) args[i]) {
                    NDArray element = (NDArray) a;
                    element.setName("list" + i + "[]");
                    named.add(element);
                    inputs.add(element);
                }
            }
        }
        try (NDArray method = m.create(0f)) {
            method.setName("module_method:" + function);
            inputs.add(method);
            NDArray result = IValueUtils.forward(module, inputs, true).singletonOrThrow();
            result.attach(m);
            return result;
        } finally {
            named.forEach(a -> a.setName(null));
        }
    }
}
