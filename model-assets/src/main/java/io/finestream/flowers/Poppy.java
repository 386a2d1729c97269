package io.finestream.flowers;

/** A bowl of few, very wide petals with a dark ring of stamens around a green pod. */
final class Poppy implements FlowerDrawing {

    private static final Tint DARK = Tint.rgb(0x2B1524);
    private static final Tint POD = Tint.rgb(0x9DB56A);

    @Override
    public void draw(Brush brush, Species species, Jitter jitter) {
        int count = Between.count(4, 6, species.fullness());
        double width = 2.1 / count * Between.value(0.85, 1.25, species.breadth());
        Petal petal = new Petal(0.46, width, 0.66, Petal.Tip.ROUND);
        PetalTints tints = PetalTints.of(species, 0.55);
        if (species.marking() == Marking.PLAIN || species.marking() == Marking.EDGED) {
            tints = tints.withBase(DARK, 0.37);
        }
        new PetalRing(count, Math.PI / count, petal, tints).paint(brush, jitter);
        new Stamens(8, 0.145, 0.036, DARK, DARK).paint(brush, jitter);
        new Disc(0.085, POD).paint(brush);
    }
}
