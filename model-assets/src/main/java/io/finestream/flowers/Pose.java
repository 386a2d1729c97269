package io.finestream.flowers;

import java.awt.Graphics2D;

/** How a flower stands in the picture; lengths in flower units, the turn in radians. */
record Pose(double right, double down, double scale, double turn) {

    private static final double SMALLEST = 0.74; // of a species with stature 0
    private static final double LARGEST = 1.0;

    static Pose sample(Species species, Jitter jitter) {
        double stature = Between.value(SMALLEST, LARGEST, species.stature());
        double largestTurn = species.family().drawing().view().largestTurn();
        return new Pose(
                jitter.around(0.02),
                jitter.around(0.02),
                stature * (1 + jitter.around(0.03)),
                jitter.around(largestTurn));
    }

    /** Moves from pixels of a square to flower units. */
    void applyTo(Graphics2D graphics, int side) {
        graphics.scale(side, side);
        graphics.translate(0.5 + right, 0.5 + down);
        graphics.rotate(turn);
        graphics.scale(scale, scale);
    }
}
