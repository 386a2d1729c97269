package io.finestream.tuning;

import java.util.SplittableRandom;

/**
 * Varies a cut-out as pictures of one class vary: mirrored, shifted by a few pixels, before another background, a little
 * brighter, paler, blurred or grainy. Equal random numbers give equal pictures.
 *
 * @param side of the picture in pixels
 */
record Augmentation(int side) {

    static final int FARTHEST_SHIFT = 4; // pixels
    private static final double BRIGHTNESS = 0.08; // added, of a range of 2
    private static final double CONTRAST = 0.08;
    private static final double SATURATION = 0.1;
    private static final double BLURRED = 0.25; // share of the pictures
    private static final double GRAINY = 0.5;
    private static final double STRONGEST_GRAIN = 0.05; // standard deviation

    /**
     * Writes one picture.
     *
     * @param cutOut as {@link CutOuts#images} has it
     * @param target receives [3, side, side] from {@code offset}, about −1 to 1
     */
    void write(byte[] cutOut, SplittableRandom random, float[] target, int offset) {
        float[] picture = place(cutOut, random);
        adjustColours(picture, random);
        if (random.nextDouble() < BLURRED) {
            picture = blurred(picture, (float) random.nextDouble());
        }
        if (random.nextDouble() < GRAINY) {
            double grain = random.nextDouble(STRONGEST_GRAIN);
            for (int i = 0; i < picture.length; i++) {
                picture[i] += (float) (grain * random.nextGaussian());
            }
        }
        System.arraycopy(picture, 0, target, offset, picture.length);
    }

    /** Mirrors and shifts the cut-out, whose outermost pixels spread where it leaves a gap, before a background. */
    private float[] place(byte[] cutOut, SplittableRandom random) {
        int area = side * side;
        boolean mirrored = random.nextBoolean();
        int right = random.nextInt(-FARTHEST_SHIFT, FARTHEST_SHIFT + 1);
        int down = random.nextInt(-FARTHEST_SHIFT, FARTHEST_SHIFT + 1);
        float[] picture = new Surroundings(side).draw(random);
        for (int i = 0; i < area; i++) {
            int x = inside(i % side - right);
            int from = inside(i / side - down) * side + (mirrored ? side - 1 - x : x);
            float alpha = (cutOut[3 * area + from] & 0xff) / 255f;
            for (int c = 0; c < 3; c++) {
                float colour = (cutOut[c * area + from] & 0xff) / 127.5f - 1;
                picture[c * area + i] += alpha * (colour - picture[c * area + i]);
            }
        }
        return picture;
    }

    private void adjustColours(float[] picture, SplittableRandom random) {
        int area = side * side;
        float brightness = (float) random.nextDouble(-BRIGHTNESS, BRIGHTNESS);
        float contrast = (float) random.nextDouble(1 - CONTRAST, 1 + CONTRAST);
        float saturation = (float) random.nextDouble(1 - SATURATION, 1 + SATURATION);
        for (int i = 0; i < area; i++) {
            float grey = (picture[i] + picture[area + i] + picture[2 * area + i]) / 3;
            for (int c = 0; c < 3; c++) {
                float colour = grey + saturation * (picture[c * area + i] - grey);
                picture[c * area + i] = brightness + contrast * colour;
            }
        }
    }

    /** @param share of the mean of each pixel and its four neighbours, 0 to 1 */
    private float[] blurred(float[] picture, float share) {
        int area = side * side;
        float[] blurred = new float[picture.length];
        for (int i = 0; i < picture.length; i++) {
            int plane = i / area * area;
            int x = i % side;
            int y = (i - plane) / side;
            float sum = picture[i]
                    + picture[plane + y * side + inside(x - 1)]
                    + picture[plane + y * side + inside(x + 1)]
                    + picture[plane + inside(y - 1) * side + x]
                    + picture[plane + inside(y + 1) * side + x];
            blurred[i] = picture[i] + share * (sum / 5 - picture[i]);
        }
        return blurred;
    }

    private int inside(int coordinate) {
        return Math.max(0, Math.min(side - 1, coordinate));
    }
}
