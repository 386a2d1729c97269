package io.finestream.flowers;

import java.awt.Shape;
import java.awt.geom.Path2D;

/**
 * The shape of a petal or a leaf, attached at the origin and pointing up.
 *
 * @param length from the origin to the tip, in flower units
 * @param width at the widest place, in flower units
 * @param belly how far along the length the widest place is, 0.35..0.8
 * @param tip how it ends
 */
record Petal(double length, double width, double belly, Tip tip) {

    enum Tip {
        POINTED,
        ROUND,
        NOTCHED
    }

    private static final double NECK = 0.7; // share of the width already reached close to the origin
    private static final Tint RIM = Tint.rgb(0x4A1A14); // thin, over any colour, it reads as that colour's shade
    private static final double RIM_WIDTH = 0.026;
    private static final double RIM_OPACITY = 0.36;
    private static final double NOTCH_DEPTH = 0.14;

    Petal resized(double factor) {
        return new Petal(length * factor, width * factor, belly, tip);
    }

    /** Fills the petal along its length and rims it darker, so that overlapping petals stay apart. */
    void paint(Brush brush, PetalTints tints) {
        Path2D outline = outline();
        brush.fill(outline, tints.over(length));
        rim(brush, outline);
    }

    static void rim(Brush brush, Shape outline) {
        brush.stroke(outline, RIM.withOpacity(RIM_OPACITY), RIM_WIDTH);
    }

    Path2D outline() {
        Path2D.Double path = new Path2D.Double();
        path.moveTo(0, 0);
        rightSide(path);
        leftSide(path);
        path.closePath();
        return path;
    }

    private void rightSide(Path2D path) {
        double half = width / 2;
        double beyond = length * (1 - belly);
        path.curveTo(half * NECK, -0.05 * length, half, -(belly - 0.3) * length, half, -belly * length);
        switch (tip) {
            case POINTED ->
                path.curveTo(half, -belly * length - 0.4 * beyond, 0.3 * half, -length + 0.24 * beyond, 0, -length);
            case ROUND -> path.curveTo(half, -belly * length - 0.6 * beyond, 0.55 * half, -length, 0, -length);
            case NOTCHED ->
                path.curveTo(
                        half,
                        -belly * length - 0.8 * beyond,
                        0.5 * half,
                        -1.06 * length,
                        0,
                        -(1 - NOTCH_DEPTH) * length);
        }
    }

    private void leftSide(Path2D path) {
        double half = width / 2;
        double beyond = length * (1 - belly);
        switch (tip) {
            case POINTED ->
                path.curveTo(
                        -0.3 * half,
                        -length + 0.24 * beyond,
                        -half,
                        -belly * length - 0.4 * beyond,
                        -half,
                        -belly * length);
            case ROUND ->
                path.curveTo(-0.55 * half, -length, -half, -belly * length - 0.6 * beyond, -half, -belly * length);
            case NOTCHED ->
                path.curveTo(
                        -0.5 * half, -1.06 * length, -half, -belly * length - 0.8 * beyond, -half, -belly * length);
        }
        path.curveTo(-half, -(belly - 0.3) * length, -half * NECK, -0.05 * length, 0, 0);
    }
}
