package io.finestream.dit;

import java.io.Serializable;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * Which of the engine's kernels compute the blocks. They differ in speed, from machine to machine, and in the last bits.
 *
 * @param packed the blocks' matrices are kept in the layout of oneDNN's product: for inference on a CPU
 */
public record Kernels(Attention attention, boolean packed) implements Serializable {

    /** How attention is computed. */
    public enum Attention {
        /** By the engine's fused kernel, which never holds all weights. */
        FUSED,
        /** As two products with a softmax between, which hold [B, heads, T, T] numbers. */
        PRODUCTS;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** Those for which a row's result is the same, to the last bit, in any batch; training has them, too. */
    public static final Kernels DETERMINISTIC = new Kernels(Attention.FUSED, false);

    /** Every combination. */
    public static final List<Kernels> ALL = Arrays.stream(Attention.values())
            .flatMap(attention -> List.of(new Kernels(attention, false), new Kernels(attention, true)).stream())
            .toList();

    private static final String PACKED_SUFFIX = "-packed";
    private static final Pattern PACKED = Pattern.compile(
            "blocks\\.\\d+\\.(attn\\.qkv|attn\\.proj|mlp\\.fc1|mlp\\.fc2|adaLN_modulation\\.1)\\.weight");

    /** Whether this parameter is kept packed. */
    public boolean packs(String parameter) {
        return packed && PACKED.matcher(parameter).matches();
    }

    /** As {@link #parse} takes it. */
    public String name() {
        return attention + (packed ? PACKED_SUFFIX : "");
    }

    /** @throws IllegalArgumentException if {@code name} is not one of the four */
    public static Kernels parse(String name) {
        return ALL.stream()
                .filter(kernels -> kernels.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("'" + name + "' names no kernels, expected one of "
                        + ALL.stream().map(Kernels::name).toList()));
    }

    @Override
    public String toString() {
        return attention + " attention, " + (packed ? "packed" : "plain") + " weights";
    }
}
