package io.finestream.flowers;

/** Draws a family. */
interface FlowerDrawing {

    /** Draws an upright flower around the origin; about 0.45 units to each side fit the picture. */
    void draw(Brush brush, Species species, Jitter jitter);

    default View view() {
        return View.FROM_ABOVE;
    }
}
