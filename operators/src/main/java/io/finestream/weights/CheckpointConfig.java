package io.finestream.weights;

import ai.djl.ndarray.types.Shape;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.finestream.diffusion.NoiseSchedule;
import io.finestream.diffusion.PredictionType;
import io.finestream.dit.DiTConfig;
import io.finestream.dit.DiTParameters;
import io.finestream.dit.Taxonomy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The configuration of checkpoints that were not written by this program: read off their tensors, or from diffusers' JSON. */
final class CheckpointConfig {

    /** As the sampling programs of DiT and FineDiffusion: the scale of their samples, of three channels of four. */
    private static final ModelConfig.Defaults REFERENCE = new ModelConfig.Defaults(4, 3);

    private static final ModelConfig.Defaults DIFFUSERS = new ModelConfig.Defaults(4, 4);
    private static final Pattern BLOCK = Pattern.compile("blocks\\.(\\d+)\\.attn\\.qkv\\.weight");
    private static final ObjectMapper JSON = new ObjectMapper();

    private CheckpointConfig() {}

    /** Rows of the label table: subclasses, and superclasses or the null label. */
    static int labelRows(TensorFile file) throws WeightsException {
        String table = DiffusersLayout.isIn(file)
                ? DiffusersLayout.copy(DiTParameters.REFERENCE_TABLE, 0)
                : DiTParameters.REFERENCE_TABLE;
        return (int) file.shape(table).get(0);
    }

    /**
     * Of a file with the reference's names, which says nothing of itself.
     *
     * @throws WeightsException if it has no published size: then nothing tells the number of heads
     */
    static ModelConfig of(TensorFile file, Taxonomy classes) throws WeightsException {
        if (DiffusersLayout.isIn(file)) {
            throw new WeightsException(file.file() + " has the tensors of a DiT as diffusers names them, but no "
                    + GenerativeModel.CONFIG + " beside it; keep both in one directory, and name that");
        }
        Shape patches = file.shape("x_embedder.proj.weight"); // [D, C, P, P]
        int width = (int) patches.get(0);
        int patch = (int) patches.get(2);
        int side =
                (int) Math.round(Math.sqrt(file.shape(DiTParameters.POSITIONS).get(1))) * patch;
        int depth = file.names().stream()
                        .map(BLOCK::matcher)
                        .filter(Matcher::matches)
                        .mapToInt(block -> Integer.parseInt(block.group(1)))
                        .max()
                        .orElse(-1)
                + 1;
        int heads = DiTConfig.publishedHeads(depth, width)
                .orElseThrow(() -> new WeightsException(file.file() + " has " + depth + " blocks of width " + width
                        + ", which is none of the published sizes of DiT (S, B, L, XL), so nothing tells its number of"
                        + " heads; put a " + GenerativeModel.CONFIG + " of FineStream beside it"));
        DiTConfig network = labels(
                new DiTConfig(side, patch, (int) patches.get(1), width, depth, heads, 1, 0, false),
                file.file(),
                labelRows(file),
                classes);
        return model(file.file(), network, PredictionType.EPSILON, NoiseSchedule.DIT, REFERENCE);
    }

    /** Whether {@code json} is a configuration that diffusers wrote. */
    static boolean isOfDiffusers(JsonNode json) {
        return json.has("_class_name");
    }

    /**
     * Of a transformer that diffusers saved.
     *
     * @param file its configuration; the scheduler's may be in a directory beside it
     * @throws WeightsException if it is not a DiT
     */
    static ModelConfig ofDiffusers(Path file, JsonNode json, int rows, Taxonomy classes) throws IOException {
        String name = json.path("_class_name").asText();
        require(file, "_class_name", name, name.matches("(DiT)?Transformer2DModel"), "DiTTransformer2DModel");
        String norm = json.path("norm_type").asText("ada_norm_zero");
        require(file, "norm_type", norm, norm.equals("ada_norm_zero"), "ada_norm_zero");
        String activation = json.path("activation_fn").asText("gelu-approximate");
        require(file, "activation_fn", activation, activation.equals("gelu-approximate"), "gelu-approximate");
        int channels = number(file, json, "in_channels");
        int heads = number(file, json, "num_attention_heads");
        DiTConfig network = labels(
                new DiTConfig(
                        number(file, json, "sample_size"),
                        number(file, json, "patch_size"),
                        channels,
                        heads * number(file, json, "attention_head_dim"),
                        number(file, json, "num_layers"),
                        heads,
                        1,
                        0,
                        false),
                file,
                rows,
                classes);
        int out = number(file, json, "out_channels");
        require(file, "out_channels", out, out == 2 * channels, "twice in_channels, " + 2 * channels);
        Path pipeline =
                Objects.requireNonNull(file.toAbsolutePath().getParent()).resolveSibling("scheduler");
        JsonNode scheduler = json(pipeline.resolve("scheduler_config.json"));
        NoiseSchedule schedule = new NoiseSchedule(
                scheduler.path("num_train_timesteps").asInt(NoiseSchedule.DIT.timesteps()),
                scheduler.path("beta_start").asDouble(NoiseSchedule.DIT.betaStart()),
                scheduler.path("beta_end").asDouble(NoiseSchedule.DIT.betaEnd()));
        String betas = scheduler.path("beta_schedule").asText("linear");
        require(pipeline, "beta_schedule", betas, betas.equals("linear"), "linear");
        String prediction = scheduler.path("prediction_type").asText("epsilon");
        for (PredictionType type : PredictionType.values()) {
            if (type.toString().equals(prediction)) {
                return model(file, network, type, schedule, DIFFUSERS);
            }
        }
        throw new WeightsException(
                pipeline + ": prediction_type is " + prediction + ", expected epsilon or v_prediction");
    }

    /** An empty object if there is no such file. */
    private static JsonNode json(Path file) throws IOException {
        return Files.isRegularFile(file) ? JSON.readTree(file.toFile()) : JSON.createObjectNode();
    }

    private static ModelConfig model(
            Path file,
            DiTConfig network,
            PredictionType prediction,
            NoiseSchedule schedule,
            ModelConfig.Defaults defaults) {
        String name = network.publishedSize().map(size -> "DiT-" + size).orElse("DiT");
        return new ModelConfig(
                name + " of " + file.getFileName(), network, prediction, schedule, ModelConfig.AUTOENCODER, defaults);
    }

    /** The network with label tables for {@code classes}, which the rows of its one table must be enough for. */
    private static DiTConfig labels(DiTConfig network, Path file, int rows, Taxonomy classes) throws WeightsException {
        int subclasses = classes.subclasses().size();
        int superclasses = classes.superclasses().size();
        int coarse = rows - subclasses;
        if (coarse != 0 && coarse != 1 && coarse != superclasses) {
            throw new WeightsException(file + " has a label table of " + rows + " rows, the taxonomy " + subclasses
                    + " subclasses in " + superclasses + " superclasses; expected " + (subclasses + superclasses)
                    + " rows (a superclass each) or " + (subclasses + 1) + " (a null label): the taxonomy is not this"
                    + " model's");
        }
        boolean nullLabel = coarse == 1;
        return new DiTConfig(
                network.inputSize(),
                network.patchSize(),
                network.inChannels(),
                network.hiddenSize(),
                network.depth(),
                network.numHeads(),
                subclasses,
                nullLabel ? 0 : coarse,
                nullLabel);
    }

    private static int number(Path file, JsonNode json, String key) throws WeightsException {
        JsonNode value = json.path(key);
        require(file, key, value.isMissingNode() ? "missing" : value, value.canConvertToInt(), "a number");
        return value.asInt();
    }

    private static void require(Path file, String key, Object value, boolean holds, String expected)
            throws WeightsException {
        if (!holds) {
            throw new WeightsException(file + ": " + key + " is " + value + ", expected " + expected
                    + "; this is not the configuration of a DiT that FineStream can run");
        }
    }
}
