package io.finestream.embeddings;

/** What {@link MapDrawing} draws on. Lengths are in pixels from the upper left corner, colours {@code #rrggbb}. */
sealed interface Surface permits PixelSurface, SvgSurface {

    /** How a text lies to its place. */
    enum Anchor {
        START,
        MIDDLE
    }

    /**
     * A disc.
     *
     * @param kind of what it stands for
     * @param title shown to who points at it, where the surface can
     */
    void disc(double x, double y, double radius, String color, String kind, String title);

    /** A line of text, its baseline at y, with a halo of the background's colour. */
    void text(double x, double y, String text, int size, boolean bold, Anchor anchor);
}
