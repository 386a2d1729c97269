package io.finestream.weights;

import ai.djl.ndarray.types.Shape;
import io.finestream.dit.DiTConfig;
import io.finestream.dit.DiTParameters;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * How huggingface/diffusers names the tensors of a DiT ({@code DiTTransformer2DModel}, before {@code
 * Transformer2DModel}). Queries, keys and values are apart, every block has a copy of the timestep MLP and of the label
 * table, positions are computed, and LayerNorm is never affine.
 */
final class DiffusersLayout {

    private static final String PATCHES = "pos_embed.proj.weight";
    /** Not saved by diffusers itself. */
    private static final String POSITIONS = "pos_embed.pos_embed";

    private static final String TIMESTEPS = "norm1.emb.timestep_embedder.";

    private DiffusersLayout() {}

    static boolean isIn(TensorFile file) {
        return file.names().contains(PATCHES);
    }

    /**
     * The tensors that lie one upon the other, by rows, in one of the reference's.
     *
     * @return a name, or three; nothing for what this layout does not have
     */
    static List<String> sources(String name) {
        String suffix = name.substring(name.lastIndexOf('.') + 1);
        if (name.startsWith("x_embedder.")) {
            return List.of("pos_embed.proj." + suffix);
        }
        if (isCopied(name)) {
            return List.of(copy(name, 0));
        }
        if (name.startsWith("final_layer.linear.")) {
            return List.of("proj_out_2." + suffix);
        }
        if (name.startsWith("final_layer.adaLN_modulation.")) {
            return List.of("proj_out_1." + suffix);
        }
        if (!name.startsWith("blocks.") || name.contains(".norm") || name.contains(".gamma")) {
            return List.of();
        }
        int end = name.indexOf('.', "blocks.".length());
        String block = "transformer_" + name.substring(0, end + 1);
        return switch (name.substring(end + 1, name.lastIndexOf('.'))) {
            case "attn.qkv" ->
                List.of(block + "attn1.to_q." + suffix, block + "attn1.to_k." + suffix, block + "attn1.to_v." + suffix);
            case "attn.proj" -> List.of(block + "attn1.to_out.0." + suffix);
            case "mlp.fc1" -> List.of(block + "ff.net.0.proj." + suffix);
            case "mlp.fc2" -> List.of(block + "ff.net.2." + suffix);
            case "adaLN_modulation.1" -> List.of(block + "norm1.linear." + suffix);
            default -> throw new IllegalArgumentException("no DiT has a tensor " + name);
        };
    }

    /** Whether every block has its own copy. */
    static boolean isCopied(String name) {
        return name.startsWith("t_embedder.") || name.equals(DiTParameters.REFERENCE_TABLE);
    }

    /** The name of a block's copy. */
    static String copy(String name, int block) {
        String prefix = "transformer_blocks." + block + ".";
        if (name.equals(DiTParameters.REFERENCE_TABLE)) {
            return prefix + "norm1.emb.class_embedder.embedding_table.weight";
        }
        String suffix = name.substring(name.lastIndexOf('.') + 1);
        return prefix + TIMESTEPS + (name.startsWith("t_embedder.mlp.0.") ? "linear_1." : "linear_2.") + suffix;
    }

    /** Every tensor of a network, copies included, and one that need not be there. */
    static Map<String, Shape> shapes(Map<String, Shape> reference, DiTConfig config) {
        Map<String, Shape> shapes = new LinkedHashMap<>();
        reference.forEach((name, shape) -> {
            if (isCopied(name)) {
                IntStream.range(0, config.depth()).forEach(block -> shapes.put(copy(name, block), shape));
                return;
            }
            List<String> sources = sources(name);
            for (String source : sources) {
                long[] sides = shape.getShape().clone();
                sides[0] /= sources.size();
                shapes.put(source, new Shape(sides));
            }
        });
        shapes.put(POSITIONS, new Shape(1, config.tokens(), config.hiddenSize()));
        return shapes;
    }

    static boolean mayBeMissing(String name) {
        return name.equals(POSITIONS);
    }
}
