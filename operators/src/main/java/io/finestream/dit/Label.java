package io.finestream.dit;

/**
 * The condition of one row of a batch: one row of one label table (FineDiffusion uses exactly one, never a sum).
 *
 * @param tier which table
 * @param row index in that table
 */
public record Label(Tier tier, int row) {

    /** The two label tables; they grow independently, so that a new class moves no index. */
    public enum Tier {
        /** Subclasses. */
        FINE,
        /** Superclasses, and the null label of a model that has one: {@link DiTConfig#superclassRow}. */
        COARSE
    }

    public static Label subclass(int index) {
        return new Label(Tier.FINE, index);
    }

    /** @param row from {@link DiTConfig#superclassRow} or {@link DiTConfig#nullRow} */
    public static Label superclass(int row) {
        return new Label(Tier.COARSE, row);
    }
}
