package io.finestream.flowers;

/** Two rows of pointed petals around a large dark disc. */
final class Sunflower implements FlowerDrawing {

    private static final Tint DISC = Tint.rgb(0x4A2A16);
    private static final Tint SEED = Tint.rgb(0x8A5526);
    private static final double LENGTH = 0.44;

    @Override
    public void draw(Brush brush, Species species, Jitter jitter) {
        int count = Between.count(10, 14, species.fullness());
        double room = 2 * Math.PI * 0.6 * LENGTH / count;
        Petal petal = new Petal(LENGTH, room * Between.value(0.8, 1.05, species.breadth()), 0.6, Petal.Tip.POINTED);
        PetalRing front = new PetalRing(count, 0, petal, PetalTints.of(species, 0.72));
        PetalRing back =
                new PetalRing(count, Math.PI / count, petal, front.tints().deeper(0.3));
        back.paint(brush, jitter);
        front.paint(brush, jitter);

        Disc disc = new Disc(Between.value(0.18, 0.23, species.fullness()), DISC);
        disc.paint(brush);
        disc.paintSeeds(brush, 24, SEED);
    }
}
