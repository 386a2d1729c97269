package io.finestream.weights;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.finestream.dit.DiTConfig;
import io.finestream.dit.DiTParameters;
import io.finestream.dit.Taxonomy;
import io.finestream.torch.TorchOps;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;

/**
 * Writes a model as this program, the original program or diffusers keeps it, an adapter included, tensor by tensor.
 *
 * <p>Affine norms and DiffFit's scales can be folded into a plain DiT's weights: the modulation's and the branches' last
 * layers become (w, b) of the norm and γ of the branch times what they were. It computes the same.
 */
public final class ModelExport {

    /** Follows what is written. */
    @FunctionalInterface
    public interface Listener {
        /**
         * Another tensor is done.
         *
         * @param tensors done so far
         * @param of in all
         */
        void done(long tensors, long of);
    }

    private static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);
    private static final String MODULATION = "adaLN_modulation.1";

    private final TorchOps ops;
    private final NDManager manager;
    private final ModelFiles files;
    private final GenerativeModel.Parts parts;
    private final boolean folded;
    private final Listener listener;

    private ModelExport(
            TorchOps ops,
            NDManager manager,
            ModelFiles files,
            GenerativeModel.Parts parts,
            boolean folded,
            Listener listener) {
        this.ops = ops;
        this.manager = manager;
        this.files = files;
        this.parts = parts;
        this.folded = folded;
        this.listener = listener;
    }

    /** @param manager receives the adapter's tensors; it must outlive this */
    public static ModelExport of(TorchOps ops, NDManager manager, ModelFiles files) throws IOException {
        return new ModelExport(
                ops, manager, files, GenerativeModel.Parts.of(ops, manager, files), false, (tensors, of) -> {});
    }

    /** The same model without affine norms and scales. */
    public ModelExport fold() {
        return new ModelExport(ops, manager, files, parts, true, listener);
    }

    /** The same model, with somebody who is told while it is written. */
    public ModelExport listener(Listener told) {
        return new ModelExport(ops, manager, files, parts, folded, told);
    }

    public ModelConfig config() {
        return parts.config();
    }

    public Taxonomy taxonomy() {
        return parts.taxonomy();
    }

    /** Names of the parameters. */
    public Set<String> parameters() {
        return Collections.unmodifiableSet(shapes().keySet());
    }

    /** A model directory. */
    public void writeDirectory(Path directory, TensorType type) throws IOException {
        Files.createDirectories(directory);
        Safetensors.write(
                directory.resolve(GenerativeModel.WEIGHTS), told(tensors(false, type)), Map.of("format", "pt"));
        ModelConfig.writeTaxonomy(directory.resolve(GenerativeModel.TAXONOMY), taxonomy());
        config().write(directory.resolve(GenerativeModel.CONFIG));
        copyAutoencoder(directory);
    }

    /** A file with the reference's tensors: what torch.save writes, if its name ends in {@code .pt}, else safetensors. */
    public void writeOriginal(Path file, TensorType type) throws IOException {
        List<TensorSource> tensors = told(tensors(true, type));
        if (file.toString().endsWith(".pt")) {
            PyTorchCheckpoint.write(file, tensors);
        } else {
            Safetensors.write(file, tensors, Map.of("format", "pt"));
        }
    }

    /**
     * A pipeline that diffusers loads. It has no place for affine norms and scales: they are folded.
     *
     * @throws WeightsException for a model of pixels
     */
    public void writeDiffusers(Path directory, TensorType type) throws IOException {
        if (!config().codec().equals(ModelConfig.AUTOENCODER)) {
            throw new WeightsException(
                    "a pipeline of diffusers has an autoencoder, this model has none: codec is " + config().codec());
        }
        Path transformer = Files.createDirectories(directory.resolve(ModelFiles.TRANSFORMER));
        Safetensors.write(
                transformer.resolve(AutoencoderFiles.WEIGHTS),
                told(fold().inDiffusersLayout(type)),
                Map.of("format", "pt"));
        DiTConfig dit = config().dit();
        JSON.writeValue(transformer.resolve(GenerativeModel.CONFIG).toFile(), transformerConfig(dit));
        ObjectNode scheduler = JSON.createObjectNode();
        scheduler.put("_class_name", "DDIMScheduler");
        scheduler.put("beta_start", config().schedule().betaStart());
        scheduler.put("beta_end", config().schedule().betaEnd());
        scheduler.put("beta_schedule", "linear");
        scheduler.put("num_train_timesteps", config().schedule().timesteps());
        scheduler.put("prediction_type", config().prediction().toString());
        scheduler.put("clip_sample", false);
        scheduler.put("set_alpha_to_one", true);
        Path schedulers = Files.createDirectories(directory.resolve("scheduler"));
        JSON.writeValue(schedulers.resolve("scheduler_config.json").toFile(), scheduler);
        ObjectNode index = JSON.createObjectNode();
        index.put("_class_name", "DiTPipeline");
        ObjectNode labels = index.putObject("id2label");
        for (int i = 0; i < dit.subclasses(); i++) {
            labels.put(Integer.toString(i), taxonomy().subclassName(i));
        }
        index.putArray("scheduler").add("diffusers").add("DDIMScheduler");
        index.putArray(ModelFiles.TRANSFORMER).add("diffusers").add("Transformer2DModel");
        index.putArray(ModelConfig.AUTOENCODER).add("diffusers").add("AutoencoderKL");
        JSON.writeValue(directory.resolve(ModelFiles.PIPELINE).toFile(), index);
        ModelConfig.writeTaxonomy(directory.resolve(GenerativeModel.TAXONOMY), taxonomy());
        copyAutoencoder(directory);
    }

    private static ObjectNode transformerConfig(DiTConfig dit) {
        ObjectNode json = JSON.createObjectNode();
        json.put("_class_name", "Transformer2DModel");
        json.put("num_attention_heads", dit.numHeads());
        json.put("attention_head_dim", dit.hiddenSize() / dit.numHeads());
        json.put("in_channels", dit.inChannels());
        json.put("out_channels", 2 * dit.inChannels());
        json.put("num_layers", dit.depth());
        json.put("sample_size", dit.inputSize());
        json.put("patch_size", dit.patchSize());
        json.put("num_embeds_ada_norm", dit.subclasses() + dit.coarseRows() - 1);
        json.put("attention_bias", true);
        json.put("activation_fn", "gelu-approximate");
        json.put("norm_type", "ada_norm_zero");
        json.put("norm_elementwise_affine", false);
        return json;
    }

    /**
     * An adapter of this model for a base that it was tuned from.
     *
     * @param tuned names of the parameters that were tuned
     * @param base the model that has all others
     * @throws WeightsException if one of the others is not the base's
     */
    public void writeAdapter(Path file, Iterable<String> tuned, ModelFiles base) throws IOException {
        GenerativeModel.Parts of = GenerativeModel.Parts.of(ops, manager, base);
        Map<String, NDArray> tensors = new LinkedHashMap<>();
        for (String name : tuned) {
            tensors.put(name, parts.read(ops, manager, name));
        }
        long done = 0;
        for (String name : parts.shapes().keySet()) {
            if (!tensors.containsKey(name) && !sameInBoth(name, of)) {
                throw new WeightsException(name + " of " + files.weights() + " is not that of " + base.weights()
                        + ": the model was not tuned from this base with this strategy alone, so an adapter can not"
                        + " hold what was");
            }
            listener.done(++done, parts.shapes().size());
        }
        Adapter.write(file, tensors, base.weightsHash(), taxonomy());
    }

    private boolean sameInBoth(String name, GenerativeModel.Parts other) throws IOException {
        try (NDManager m = manager.newSubManager()) {
            return Objects.equals(parts.shapes().get(name), other.shapes().get(name))
                    && parts.read(ops, m, name).contentEquals(other.read(ops, m, name));
        }
    }

    private void copyAutoencoder(Path directory) throws IOException {
        if (!config().codec().equals(ModelConfig.AUTOENCODER) || !Files.isDirectory(files.autoencoder())) {
            return;
        }
        Path target = Files.createDirectories(directory.resolve(ModelConfig.AUTOENCODER));
        try (Stream<Path> list = Files.list(files.autoencoder())) {
            for (Path file : list.filter(Files::isRegularFile).toList()) {
                Path copy = target.resolve(file.getFileName().toString());
                if (!Files.exists(copy)) {
                    Files.copy(file, copy);
                }
            }
        }
    }

    private List<TensorSource> told(List<TensorSource> tensors) {
        AtomicLong done = new AtomicLong();
        return tensors.stream()
                .map(tensor -> tensor.then(() -> listener.done(done.incrementAndGet(), tensors.size())))
                .toList();
    }

    /** @param oneTable whether the label tables are one, as in the original program */
    private List<TensorSource> tensors(boolean oneTable, TensorType type) {
        List<TensorSource> tensors = new ArrayList<>();
        shapes().forEach((name, shape) -> {
            if (!oneTable || !name.startsWith("y_embedder.")) {
                tensors.add(source(name, shape, type));
            } else if (name.equals(DiTParameters.SUBCLASS_TABLE)) {
                tensors.add(labelTable(type));
            }
        });
        return tensors;
    }

    private List<TensorSource> inDiffusersLayout(TensorType type) {
        List<TensorSource> tensors = new ArrayList<>();
        for (TensorSource tensor : tensors(true, type)) {
            List<String> sources = DiffusersLayout.sources(tensor.name());
            if (DiffusersLayout.isCopied(tensor.name())) {
                for (int block = 0; block < config().dit().depth(); block++) {
                    tensors.add(tensor.named(DiffusersLayout.copy(tensor.name(), block)));
                }
            } else if (sources.size() == 1) {
                tensors.add(tensor.named(sources.get(0)));
            } else {
                for (int part = 0; part < sources.size(); part++) {
                    tensors.add(rows(tensor.name(), sources.get(part), part, sources.size(), type));
                }
            }
        }
        return tensors;
    }

    /** A part of the rows of a parameter, under a name of its own. */
    private TensorSource rows(String name, String as, int part, int of, TensorType type) {
        long[] sides = Objects.requireNonNull(shapes().get(name)).getShape().clone();
        sides[0] /= of;
        Shape shape = new Shape(sides);
        return TensorSource.of(as, type, shape, manager, m -> {
            try (NDManager whole = m.newSubManager()) {
                NDArray rows = read(whole, name).split(of).get(part).duplicate();
                rows.attach(m);
                return rows;
            }
        });
    }

    private TensorSource labelTable(TensorType type) {
        DiTConfig dit = config().dit();
        return TensorSource.of(DiTParameters.REFERENCE_TABLE, type, DiTWeights.tableShape(dit), manager, m -> {
            NDArray table = NDArrays.concat(
                    new NDList(read(m, DiTParameters.SUBCLASS_TABLE), read(m, DiTParameters.SUPERCLASS_TABLE)), 0);
            table.attach(m);
            return table;
        });
    }

    private TensorSource source(String name, Shape shape, TensorType type) {
        return TensorSource.of(name, type, shape, manager, m -> read(m, name));
    }

    private Map<String, Shape> shapes() {
        Map<String, Shape> shapes = new LinkedHashMap<>(parts.shapes());
        if (folded) {
            shapes.keySet().removeIf(name -> name.contains("norm") || name.contains(".gamma"));
        }
        return shapes;
    }

    private NDArray read(NDManager m, String name) throws IOException {
        if (folded && name.contains(MODULATION)) {
            return foldedModulation(m, name);
        }
        if (folded && name.contains(".attn.proj.")) {
            return scaled(m, name, ".attn.proj.", "gamma1");
        }
        if (folded && name.contains(".mlp.fc2.")) {
            return scaled(m, name, ".mlp.fc2.", "gamma2");
        }
        return parts.read(ops, m, name);
    }

    private NDArray scaled(NDManager m, String name, String layer, String gamma) throws IOException {
        String scale = name.substring(0, name.indexOf(layer) + 1) + gamma;
        NDArray layerOf = parts.read(ops, m, name);
        if (!parts.shapes().containsKey(scale)) {
            return layerOf;
        }
        return layerOf.mul(column(parts.read(ops, m, scale), layerOf));
    }

    /**
     * For a norm (w, b) that is shifted by rows h and scaled by rows s of the modulation: s' = w s, and w − 1 more in the
     * bias, h' = h + b s, and b more in the bias.
     */
    private NDArray foldedModulation(NDManager m, String name) throws IOException {
        boolean last = name.startsWith("final_layer.");
        boolean bias = name.endsWith(".bias");
        String block = name.substring(0, name.indexOf(MODULATION));
        NDArray all = parts.read(ops, m, name).toType(DataType.FLOAT64, false);
        NDList chunks = all.split(last ? 2 : 6);
        for (int norm = 0; norm < (last ? 1 : 2); norm++) {
            String of = block + (last ? "norm_final" : "norm" + (norm + 1));
            NDArray shift = chunks.get(3 * norm);
            NDArray scale = chunks.get(3 * norm + 1);
            NDArray w = column(parts.read(ops, m, of + ".weight").toType(DataType.FLOAT64, false), scale);
            NDArray b = column(parts.read(ops, m, of + ".bias").toType(DataType.FLOAT64, false), scale);
            NDArray newShift = shift.add(b.mul(scale));
            NDArray newScale = w.mul(scale);
            chunks.set(3 * norm, bias ? newShift.add(b) : newShift);
            chunks.set(3 * norm + 1, bias ? newScale.add(w.sub(1)) : newScale);
        }
        return NDArrays.concat(chunks, 0).toType(DataType.FLOAT32, false);
    }

    /** A vector [D] that multiplies the rows of {@code of}, [D] or [D, N]. */
    private static NDArray column(NDArray vector, NDArray of) {
        return of.getShape().dimension() == 1 ? vector : vector.reshape(-1, 1);
    }
}
