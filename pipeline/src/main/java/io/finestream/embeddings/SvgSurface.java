package io.finestream.embeddings;

import java.util.Locale;

/** A picture as SVG, in text. */
final class SvgSurface implements Surface {

    private final StringBuilder svg = new StringBuilder();

    SvgSurface(int width, int height, String label) {
        svg.append("""
                <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="%s">
                <style>
                text { font-family: system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; fill: %s; paint-order: stroke; stroke: %s; stroke-width: 4px; stroke-linejoin: round; }
                circle { stroke: %s; stroke-width: 1px; }
                circle:hover { stroke: %s; stroke-width: 2px; }
                </style>
                <rect width="100%%" height="100%%" fill="%s"/>
                """.formatted(
                        width,
                        height,
                        width,
                        height,
                        escaped(label),
                        MapDrawing.INK,
                        MapDrawing.PAPER,
                        MapDrawing.PAPER,
                        MapDrawing.INK,
                        MapDrawing.PAPER));
    }

    @Override
    public void disc(double x, double y, double radius, String color, String kind, String title) {
        svg.append(String.format(
                Locale.ROOT,
                "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" fill=\"%s\"><title>%s</title></circle>%n",
                kind,
                x,
                y,
                radius,
                color,
                escaped(title)));
    }

    @Override
    public void text(double x, double y, String text, int size, boolean bold, Anchor anchor) {
        svg.append(String.format(
                Locale.ROOT,
                "<text x=\"%.1f\" y=\"%.1f\" font-size=\"%d\" font-weight=\"%s\" text-anchor=\"%s\">%s</text>%n",
                x,
                y,
                size,
                bold ? "bold" : "normal",
                anchor == Anchor.MIDDLE ? "middle" : "start",
                escaped(text)));
    }

    /** The whole document. */
    String document() {
        return svg + "</svg>\n";
    }

    /** Names come from other people's files. */
    private static String escaped(String text) {
        return text.replaceAll("\\p{Cntrl}", "?")
                .replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;");
    }
}
