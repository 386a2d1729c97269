package io.finestream.flowers;

import java.awt.Color;
import java.awt.Paint;
import java.awt.RadialGradientPaint;

/**
 * The colours along a petal. Shares of the petal's length, counted from its base.
 *
 * @param base colour up to {@code baseEnd}
 * @param middle colour from {@code middleStart} to {@code middleEnd}
 * @param tip colour from {@code tipStart}
 */
record PetalTints(
        Tint base, Tint middle, Tint tip, double baseEnd, double middleStart, double middleEnd, double tipStart) {

    /** @param eyeReach how far an eye reaches, as a share of the length: families with a large disc need more */
    static PetalTints of(Species species, double eyeReach) {
        Tint petal = species.petal();
        return switch (species.marking()) {
            case PLAIN -> plain(petal);
            case EDGED -> {
                double edge = Math.max(0.5, eyeReach);
                yield new PetalTints(petal.deeper(0.3), petal, species.accent(), 0.05, 0.35, edge, edge + 0.2);
            }
            case EYED ->
                new PetalTints(
                        species.accent(),
                        petal,
                        petal.lighter(0.15),
                        eyeReach,
                        Math.min(0.88, eyeReach + 0.15),
                        0.9,
                        0.99);
            case BANDED ->
                new PetalTints(
                        petal,
                        species.accent(),
                        petal,
                        eyeReach - 0.18,
                        eyeReach - 0.06,
                        eyeReach + 0.14,
                        Math.min(0.98, eyeReach + 0.26));
        };
    }

    /** One colour, deeper at the base and lighter at the tip. */
    static PetalTints plain(Tint petal) {
        return new PetalTints(petal.deeper(0.45), petal, petal.lighter(0.15), 0.05, 0.45, 0.7, 0.98);
    }

    PetalTints withBase(Tint tint, double end) {
        return new PetalTints(
                tint, middle, tip, end, end + 0.15, Math.max(end + 0.2, middleEnd), Math.max(end + 0.3, tipStart));
    }

    PetalTints darker(double share) {
        return new PetalTints(
                base.darker(share), middle.darker(share), tip.darker(share), baseEnd, middleStart, middleEnd, tipStart);
    }

    PetalTints deeper(double share) {
        return new PetalTints(
                base.deeper(share), middle.deeper(share), tip.deeper(share), baseEnd, middleStart, middleEnd, tipStart);
    }

    /** The gradient for a petal at the origin: round, so that the petals of a flower form rings together. */
    Paint over(double length) {
        float[] stops = {0, (float) baseEnd, (float) middleStart, (float) middleEnd, (float) tipStart, 1};
        Color[] colors = {base.opaque(), base.opaque(), middle.opaque(), middle.opaque(), tip.opaque(), tip.opaque()};
        return new RadialGradientPaint(0, 0, (float) length, stops, colors);
    }
}
