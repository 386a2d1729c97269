package io.finestream.flowers;

/** A star of six pointed petals, three before three, with dark anthers and, where full, a stripe along the front petals. */
final class Lily implements FlowerDrawing {

    private static final Tint THREAD = Tint.rgb(0xDDE8A8);
    private static final Tint ANTHER = Tint.rgb(0x7A3512);
    private static final Tint THROAT = Tint.rgb(0xCBDC7A);
    private static final double LENGTH = 0.46;

    @Override
    public void draw(Brush brush, Species species, Jitter jitter) {
        Foliage.leaf(brush, 1.57 + jitter.around(0.05), 0.46, 0.2);
        Foliage.leaf(brush, 3.67 + jitter.around(0.05), 0.46, 0.2);

        PetalTints tints = PetalTints.of(species, 0.45);
        if (species.marking() == Marking.PLAIN || species.marking() == Marking.EDGED) {
            tints = tints.withBase(THROAT, 0.1);
        }
        double width = Between.value(0.15, 0.27, species.breadth());
        Petal back = new Petal(LENGTH, 0.85 * width, 0.5, Petal.Tip.POINTED);
        Petal front = new Petal(LENGTH, width, 0.5, Petal.Tip.POINTED);
        new PetalRing(3, Math.PI / 3, back, tints.deeper(0.15)).paint(brush, jitter);
        new PetalRing(3, 0, front, tints).paint(brush, jitter);
        if (species.fullness() > 0.5) {
            midribs(brush, species.petal().deeper(0.6));
        }
        new Stamens(6, 0.17, 0.036, THREAD, ANTHER).paint(brush, jitter);
        brush.dot(0, 0, 0.035, THROAT);
    }

    /** A deeper stripe along each of the front petals. */
    private static void midribs(Brush brush, Tint tint) {
        Petal stripe = new Petal(0.8 * LENGTH, 0.05, 0.5, Petal.Tip.POINTED);
        for (int petal = 0; petal < 3; petal++) {
            brush.turned(petal * 2 * Math.PI / 3).fill(stripe.outline(), tint.withOpacity(0.75));
        }
    }
}
