package io.finestream.flowers;

/** A star of six pointed petals, three before three, with long dark stamens. */
final class Lily implements FlowerDrawing {

    private static final Tint THREAD = Tint.rgb(0xDDE8A8);
    private static final Tint ANTHER = Tint.rgb(0x7A3512);
    private static final Tint THROAT = Tint.rgb(0xCBDC7A);
    private static final double LENGTH = 0.46;

    @Override
    public void draw(Brush brush, Species species, Jitter jitter) {
        Foliage.leaf(brush, 1.55 + jitter.around(0.1), 0.46, 0.14);
        Foliage.leaf(brush, 3.65 + jitter.around(0.1), 0.46, 0.14);

        PetalTints tints = PetalTints.of(species, 0.45);
        if (species.marking() != Marking.EYED) {
            tints = tints.withBase(THROAT, 0.1);
        }
        double width = Between.value(0.16, 0.24, species.breadth());
        Petal back = new Petal(LENGTH, 0.85 * width, 0.5, Petal.Tip.POINTED);
        Petal front = new Petal(LENGTH, width, 0.5, Petal.Tip.POINTED);
        new PetalRing(3, Math.PI / 3, back, tints.deeper(0.15)).paint(brush, jitter);
        new PetalRing(3, 0, front, tints).paint(brush, jitter);
        if (species.fullness() > 0.5) {
            freckle(brush, species.petal().deeper(0.7), width);
        }
        new Stamens(6, 0.19, 0.03, THREAD, ANTHER).paint(brush, jitter);
        brush.dot(0, 0, 0.035, THROAT);
    }

    private static void freckle(Brush brush, Tint tint, double width) {
        for (int petal = 0; petal < 3; petal++) {
            Brush along = brush.turned(petal * 2 * Math.PI / 3);
            along.dot(-0.2 * width, -0.46 * LENGTH, 0.018, tint);
            along.dot(0.2 * width, -0.54 * LENGTH, 0.018, tint);
            along.dot(-0.12 * width, -0.63 * LENGTH, 0.018, tint);
        }
    }
}
