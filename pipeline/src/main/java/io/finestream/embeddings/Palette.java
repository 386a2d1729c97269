package io.finestream.embeddings;

import java.awt.Color;
import java.util.List;
import java.util.stream.IntStream;

/** Colours of superclasses: hues evenly around the circle, neighbours of two luminances. */
final class Palette {

    /** Relative luminances (WCAG 2.2) that are 3 : 1 and more to white and to the dark page. */
    private static final double[] LUMINANCES = {0.29, 0.15};

    private static final float SATURATION = 0.72f;
    private static final int BISECTIONS = 20;

    private Palette() {}

    /** So many, as {@code #rrggbb}. */
    static List<String> of(int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> color((float) i / count, LUMINANCES[i % LUMINANCES.length]))
                .toList();
    }

    private static String color(float hue, double luminance) {
        float low = 0;
        float high = 1;
        for (int i = 0; i < BISECTIONS; i++) {
            float lightness = (low + high) / 2;
            if (luminance(rgb(hue, lightness)) < luminance) {
                low = lightness;
            } else {
                high = lightness;
            }
        }
        return "#%06x".formatted(rgb(hue, low).getRGB() & 0xffffff);
    }

    /** From hue, {@link #SATURATION} and lightness. */
    private static Color rgb(float hue, float lightness) {
        float value = lightness + SATURATION * Math.min(lightness, 1 - lightness);
        return Color.getHSBColor(hue, value == 0 ? 0 : 2 * (1 - lightness / value), value);
    }

    /** Relative luminance of sRGB. */
    static double luminance(Color color) {
        return 0.2126 * linear(color.getRed()) + 0.7152 * linear(color.getGreen()) + 0.0722 * linear(color.getBlue());
    }

    private static double linear(int channel) {
        double c = channel / 255.0;
        return c <= 0.04045 ? c / 12.92 : Math.pow((c + 0.055) / 1.055, 2.4);
    }
}
