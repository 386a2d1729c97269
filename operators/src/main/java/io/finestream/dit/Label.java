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
        /** Superclasses, and after them the null label of a model that has one. */
        COARSE
    }

    public static Label subclass(int index) {
        return new Label(Tier.FINE, index);
    }

    public static Label superclass(int index) {
        return new Label(Tier.COARSE, index);
    }
}
