package io.finestream.tuning;

import java.util.SplittableRandom;

/**
 * Invents what is behind a cut-out, so that a network learns the thing and not its background: a smooth gradient of any
 * colours, mid-grey, or noise.
 *
 * @param side of the picture in pixels
 */
record Surroundings(int side) {

    private static final double GREY = 0.3;
    private static final double NOISE = 0.15;
    private static final int COARSEST_GRAIN = 16; // pixels

    /** @return [3, side, side] flattened, −1 to 1 */
    float[] draw(SplittableRandom random) {
        double kind = random.nextDouble();
        if (kind < GREY) {
            return new float[3 * side * side];
        }
        return kind < GREY + NOISE ? noise(random) : gradient(random);
    }

    /** From one colour to another, along a line or outwards from a point. */
    private float[] gradient(SplittableRandom random) {
        float[] planes = new float[3 * side * side];
        float[] near = colour(random);
        float[] far = colour(random);
        boolean round = random.nextBoolean();
        double angle = random.nextDouble(2 * Math.PI);
        double centreX = random.nextDouble();
        double centreY = random.nextDouble();
        for (int i = 0; i < side * side; i++) {
            double x = (i % side + 0.5) / side - centreX;
            double y = (i / side + 0.5) / side - centreY;
            double along = round ? Math.hypot(x, y) : 0.5 + x * Math.cos(angle) + y * Math.sin(angle);
            float share = (float) Math.max(0, Math.min(1, along));
            for (int c = 0; c < 3; c++) {
                planes[c * side * side + i] = near[c] + share * (far[c] - near[c]);
            }
        }
        return planes;
    }

    /** Squares of one to a few pixels, each of its own colour. */
    private float[] noise(SplittableRandom random) {
        float[] planes = new float[3 * side * side];
        int grain = 1 << random.nextInt(Integer.numberOfTrailingZeros(COARSEST_GRAIN) + 1);
        int columns = (side + grain - 1) / grain;
        float[][] colours = new float[columns * columns][];
        for (int i = 0; i < colours.length; i++) {
            colours[i] = colour(random);
        }
        for (int i = 0; i < side * side; i++) {
            float[] colour = colours[i / side / grain * columns + i % side / grain];
            for (int c = 0; c < 3; c++) {
                planes[c * side * side + i] = colour[c];
            }
        }
        return planes;
    }

    private static float[] colour(SplittableRandom random) {
        return new float[] {
            (float) random.nextDouble(-1, 1), (float) random.nextDouble(-1, 1), (float) random.nextDouble(-1, 1)
        };
    }
}
