package io.finestream.dit;

import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;

/**
 * The shape of a Diffusion Transformer.
 *
 * @param inputSize side of the square latent, in cells; a multiple of {@code patchSize}
 * @param patchSize P, side of a patch in cells
 * @param inChannels C; the network predicts 2C channels: the noise (or v) and the variance interpolation
 * @param hiddenSize D, a multiple of {@code numHeads} and of 4
 * @param depth number of blocks
 * @param subclasses rows of the fine label table
 * @param superclasses coarse classes, each with a row of the coarse label table; 0 for a plain DiT, whose taxonomy's
 *     superclasses are names without rows
 * @param nullLabel whether the coarse table has one more row, the null label of classifier-free guidance
 * @param addedSuperclasses how many of the superclasses, the last, came after the null label: their rows stand behind
 *     its, which does not move; 0 where there is no null label
 * @param diffusersNumerics computes as huggingface/diffusers does, whose timestep frequencies are 10000^(-k/127) and whose
 *     blocks' second norm has an epsilon of 1e-5: other numbers than those that the published weights were trained with
 */
public record DiTConfig(
        int inputSize,
        int patchSize,
        int inChannels,
        int hiddenSize,
        int depth,
        int numHeads,
        int subclasses,
        int superclasses,
        boolean nullLabel,
        int addedSuperclasses,
        boolean diffusersNumerics) {

    /** Depth, width and heads of the published sizes (DiT paper, table 1); the patch size follows the slash. */
    private static final Map<String, int[]> PUBLISHED = new TreeMap<>(Map.of(
            "S", new int[] {12, 384, 6},
            "B", new int[] {12, 768, 12},
            "L", new int[] {24, 1024, 16},
            "XL", new int[] {28, 1152, 16}));

    public DiTConfig {
        require(patchSize >= 1, "patch size", patchSize, "at least 1");
        require(
                inputSize >= patchSize && inputSize % patchSize == 0,
                "input size",
                inputSize,
                "a multiple of the patch size " + patchSize);
        require(inChannels >= 1, "input channels", inChannels, "at least 1");
        require(numHeads >= 1, "heads", numHeads, "at least 1");
        require(
                hiddenSize >= 4 && hiddenSize % 4 == 0 && hiddenSize % numHeads == 0,
                "hidden size",
                hiddenSize,
                "a multiple of 4 and of the " + numHeads + " heads");
        require(depth >= 1, "depth", depth, "at least 1");
        require(subclasses >= 1, "subclasses", subclasses, "at least 1");
        require(superclasses >= 0, "superclasses", superclasses, "at least 0");
        int mostAdded = nullLabel ? superclasses : 0;
        require(
                addedSuperclasses >= 0 && addedSuperclasses <= mostAdded,
                "added superclasses",
                addedSuperclasses,
                "0 to " + mostAdded);
    }

    /** A network whose classes are those that it began with. */
    public DiTConfig(
            int inputSize,
            int patchSize,
            int inChannels,
            int hiddenSize,
            int depth,
            int numHeads,
            int subclasses,
            int superclasses,
            boolean nullLabel) {
        this(
                inputSize,
                patchSize,
                inChannels,
                hiddenSize,
                depth,
                numHeads,
                subclasses,
                superclasses,
                nullLabel,
                0,
                false);
    }

    /**
     * One of the twelve published sizes.
     *
     * @param name {@code S}, {@code B}, {@code L} or {@code XL}, a slash, and the patch size 2, 4 or 8
     * @param imageSize pixels, 256 or 512 in the paper; the latent has an eighth of it
     */
    public static DiTConfig published(String name, int imageSize, int subclasses, int superclasses, boolean nullLabel) {
        String[] parts = name.split("/", -1);
        int[] size = PUBLISHED.get(parts[0]);
        if (parts.length != 2 || size == null || !parts[1].matches("[248]")) {
            throw new IllegalArgumentException("DiT size '" + name
                    + "' is not one of the published ones: use S, B, L or XL, a slash, and a patch size 2, 4 or 8");
        }
        return new DiTConfig(
                imageSize / 8,
                Integer.parseInt(parts[1]),
                4,
                size[1],
                size[0],
                size[2],
                subclasses,
                superclasses,
                nullLabel);
    }

    /** This network with other label tables. */
    public DiTConfig withLabels(int ofSubclasses, int ofSuperclasses, boolean withNullLabel) {
        return withLabels(ofSubclasses, ofSuperclasses, withNullLabel, 0);
    }

    private DiTConfig withLabels(int ofSubclasses, int ofSuperclasses, boolean withNullLabel, int added) {
        return new DiTConfig(
                inputSize,
                patchSize,
                inChannels,
                hiddenSize,
                depth,
                numHeads,
                ofSubclasses,
                ofSuperclasses,
                withNullLabel,
                added,
                diffusersNumerics);
    }

    /** This network as diffusers computes it, or as it was trained. */
    public DiTConfig withDiffusersNumerics(boolean asDiffusers) {
        return new DiTConfig(
                inputSize,
                patchSize,
                inChannels,
                hiddenSize,
                depth,
                numHeads,
                subclasses,
                superclasses,
                nullLabel,
                addedSuperclasses,
                asDiffusers);
    }

    /** The published size that it has, as in {@code XL/2}; none if it has another. */
    public Optional<String> publishedSize() {
        return PUBLISHED.entrySet().stream()
                .filter(size -> Arrays.equals(size.getValue(), new int[] {depth, hiddenSize, numHeads}))
                .map(size -> size.getKey() + "/" + patchSize)
                .findFirst();
    }

    /** Heads of the published size of this depth and width; none if there is no such size. */
    public static OptionalInt publishedHeads(int depth, int hiddenSize) {
        return PUBLISHED.values().stream()
                .filter(size -> size[0] == depth && size[1] == hiddenSize)
                .mapToInt(size -> size[2])
                .findFirst();
    }

    /** T, the tokens of one row. */
    public int tokens() {
        int side = inputSize / patchSize;
        return side * side;
    }

    /**
     * Multiplications of one row's pass, each with its addition: what the DiT paper counts as Gflops (table 4). As
     * floating-point operations they are two each.
     */
    public double multiplyAdds() {
        double t = tokens();
        double d = hiddenSize;
        double patch = (double) patchSize * patchSize * inChannels;
        double block = 12 * t * d * d + 2 * t * t * d + 6 * d * d; // matrices, attention, modulation
        double timestep = (TimestepEmbedder.FEATURES + d) * d;
        double ends = 3 * t * d * patch + 2 * d * d; // patches in, twice the channels out, modulation
        return depth * block + timestep + ends;
    }

    /** Numbers in one latent, C·H·W. */
    public int latentSize() {
        return inChannels * inputSize * inputSize;
    }

    /** Rows of the coarse table: the superclasses, and the null label where there is one. */
    public int coarseRows() {
        return superclasses + (nullLabel ? 1 : 0);
    }

    /**
     * Row of a superclass in the coarse table: its index, and one more for those that came after the null label. Whoever
     * makes a {@link Label#superclass} asks here.
     */
    public int superclassRow(int superclass) {
        return superclass < nullRow() ? superclass : superclass + 1;
    }

    /** Row of the null label in the coarse table, where there is one. */
    public int nullRow() {
        return superclasses - addedSuperclasses;
    }

    /**
     * This network with label tables for the classes of {@code taxonomy}, which continues its own as {@link
     * Taxonomy#plus} does. Rows are added at the end of both tables; none moves.
     */
    public DiTConfig withClasses(Taxonomy taxonomy) {
        int grown = superclasses == 0 ? 0 : taxonomy.superclasses().size();
        int added = nullLabel ? addedSuperclasses + grown - superclasses : 0;
        return withLabels(taxonomy.subclasses().size(), grown, nullLabel, added);
    }

    private static void require(boolean holds, String what, int value, String expected) {
        if (!holds) {
            throw new IllegalArgumentException("DiT " + what + " is " + value + ", expected " + expected);
        }
    }
}
