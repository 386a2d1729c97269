package io.finestream.diffusion;

/**
 * Where a trajectory's noise comes from. It depends on the sample alone, never on its place in a batch, so that a
 * request gives the same image alone, in any batch, and after a restore.
 */
@FunctionalInterface
public interface Noise {

    /**
     * Standard normal numbers.
     *
     * @param seed the request's seed
     * @param sample index of the sample within its request
     * @param draw 0 for the initial latent; k + 1 for the noise that step k adds
     * @param size how many numbers
     */
    float[] normal(long seed, int sample, int draw, int size);

    /**
     * The counter-based generator Philox4x32-10 (Salmon et al., SC 2011) with the Box-Muller transform. The key is the
     * seed, the counter is (block, draw, sample): streams never overlap. {@link StrictMath} makes the bytes the same on
     * every machine.
     */
    Noise SEEDED = (seed, sample, draw, size) -> {
        float[] out = new float[size];
        for (int block = 0; block * 4 < size; block++) {
            int[] bits = Philox.block(seed, block, draw, sample, 0);
            for (int pair = 0; pair < 4 && block * 4 + pair < size; pair += 2) {
                double radius = StrictMath.sqrt(-2 * StrictMath.log(Philox.openUnit(bits[pair])));
                double angle = 2 * Math.PI * Philox.openUnit(bits[pair + 1]);
                out[block * 4 + pair] = (float) (radius * StrictMath.cos(angle));
                if (block * 4 + pair + 1 < size) {
                    out[block * 4 + pair + 1] = (float) (radius * StrictMath.sin(angle));
                }
            }
        }
        return out;
    };
}
