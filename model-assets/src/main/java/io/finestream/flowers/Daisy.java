package io.finestream.flowers;

/** Many slim round petals around a yellow disc. */
final class Daisy implements FlowerDrawing {

    private static final Tint DISC = Tint.rgb(0xF2B91D);
    private static final double LENGTH = 0.44;

    @Override
    public void draw(Brush brush, Species species, Jitter jitter) {
        int count = Between.count(7, 13, species.fullness());
        double room = 2 * Math.PI * 0.75 * LENGTH / count; // around the widest place of the petals
        Petal petal = new Petal(LENGTH, room * Between.value(0.66, 1.08, species.breadth()), 0.75, Petal.Tip.ROUND);
        new PetalRing(count, 0, petal, PetalTints.of(species, 0.58)).paint(brush, jitter);

        Disc disc = new Disc(Between.value(0.13, 0.17, species.breadth()), DISC);
        disc.paint(brush);
        disc.paintSeeds(brush, 6, DISC.darker(0.16));
    }
}
