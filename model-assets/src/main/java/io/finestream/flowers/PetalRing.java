package io.finestream.flowers;

/**
 * Equal petals around the origin, each a little different.
 *
 * @param count number of petals
 * @param turn angle of the first petal, in radians
 */
record PetalRing(int count, double turn, Petal petal, PetalTints tints) {

    private static final double LENGTH_SPREAD = 0.03;
    private static final double SHADE_SPREAD = 0.04;
    private static final double ANGLE_SPREAD = 0.12; // in radians over the number of petals

    void paint(Brush brush, Jitter jitter) {
        for (int i = 0; i < count; i++) {
            double angle = turn + 2 * Math.PI * i / count + jitter.around(ANGLE_SPREAD / count);
            petal.resized(1 + jitter.around(LENGTH_SPREAD))
                    .paint(brush.turned(angle), tints.darker(jitter.between(0, SHADE_SPREAD)));
        }
    }

    PetalRing turnedBy(double angle) {
        return new PetalRing(count, turn + angle, petal, tints);
    }
}
