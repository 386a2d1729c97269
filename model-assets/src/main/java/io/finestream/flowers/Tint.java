package io.finestream.flowers;

import java.awt.Color;

/** An opaque sRGB colour; each channel lies in 0..255. */
public record Tint(int red, int green, int blue) {

    static final Tint WHITE = rgb(0xFFFFFF);
    static final Tint BLACK = rgb(0x000000);
    private static final Tint SHADED_WHITE = rgb(0x8E8CB4);

    /** Throws IllegalArgumentException for a channel outside 0..255. */
    public Tint {
        requireChannel("red", red);
        requireChannel("green", green);
        requireChannel("blue", blue);
    }

    static Tint rgb(int rgb) {
        return new Tint(rgb >> 16 & 0xFF, rgb >> 8 & 0xFF, rgb & 0xFF);
    }

    /** Hue wraps around at 1; saturation and brightness lie in 0..1. */
    static Tint hsb(double hue, double saturation, double brightness) {
        return rgb(Color.HSBtoRGB((float) hue, (float) saturation, (float) brightness));
    }

    /** This colour at share 0, the other at share 1. */
    Tint mixedWith(Tint other, double share) {
        return new Tint(mix(red, other.red, share), mix(green, other.green, share), mix(blue, other.blue, share));
    }

    Tint lighter(double share) {
        return mixedWith(WHITE, share);
    }

    Tint darker(double share) {
        return mixedWith(BLACK, share);
    }

    /**
     * Deeper, not greyer: less bright, more saturated. Yellow turns to amber, since dark yellow looks green; white turns
     * to a pale lavender, as in the shade under a blue sky.
     */
    Tint deeper(double share) {
        float[] hsb = Color.RGBtoHSB(red, green, blue, null);
        if (hsb[1] < 0.05) {
            return mixedWith(SHADED_WHITE, share);
        }
        boolean yellow = hsb[0] > 0.1 && hsb[0] < 0.2;
        double hue = yellow ? hsb[0] - 0.08 * share : hsb[0];
        double saturation = Math.min(1, hsb[1] * (1 + share));
        return hsb(hue, saturation, hsb[2] * (1 - (yellow ? 0.5 : 0.7) * share));
    }

    /** Euclidean distance in sRGB, 0..442. */
    double distanceTo(Tint other) {
        return Math.sqrt(square(red - other.red) + square(green - other.green) + square(blue - other.blue));
    }

    Color opaque() {
        return new Color(red, green, blue);
    }

    /** Opacity 0 is clear, 1 is opaque. */
    Color withOpacity(double opacity) {
        return new Color(red, green, blue, (int) Math.round(255 * opacity));
    }

    private static int mix(int from, int to, double share) {
        return (int) Math.round(from + (to - from) * Math.max(0, Math.min(1, share)));
    }

    private static int square(int difference) {
        return difference * difference;
    }

    private static void requireChannel(String channel, int value) {
        if (value < 0 || value > 255) {
            throw new IllegalArgumentException(channel + " is " + value + ", expected 0..255; clamp it first");
        }
    }
}
