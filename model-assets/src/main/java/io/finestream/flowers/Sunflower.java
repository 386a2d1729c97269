package io.finestream.flowers;

/** Two rows of pointed petals around a large dark disc; a banded species has its second colour behind. */
final class Sunflower implements FlowerDrawing {

    private static final Tint DISC = Tint.rgb(0x4A2A16);
    private static final Tint SEED = Tint.rgb(0x8A5526);
    private static final double LENGTH = 0.44;

    @Override
    public void draw(Brush brush, Species species, Jitter jitter) {
        int count = Between.count(8, 13, species.fullness());
        double room = 2 * Math.PI * 0.6 * LENGTH / count;
        Petal petal = new Petal(LENGTH, room * Between.value(0.7, 1.15, species.breadth()), 0.6, Petal.Tip.POINTED);
        PetalTints frontTints =
                species.marking() == Marking.BANDED ? PetalTints.plain(species.petal()) : PetalTints.of(species, 0.62);
        PetalTints backTints =
                species.marking() == Marking.BANDED ? PetalTints.plain(species.accent()) : frontTints.deeper(0.3);
        PetalRing front = new PetalRing(count, 0, petal, frontTints);
        PetalRing back = new PetalRing(count, Math.PI / count, petal, backTints);
        back.paint(brush, jitter);
        front.paint(brush, jitter);

        Disc disc = new Disc(Between.value(0.16, 0.22, species.fullness()), DISC);
        disc.paint(brush);
        disc.paintSeeds(brush, 9, SEED);
    }
}
