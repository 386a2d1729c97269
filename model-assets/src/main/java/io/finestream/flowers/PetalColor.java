package io.finestream.flowers;

import java.util.Locale;

/** The named petal colours; the name is the first word of a species' name, so it must fit what is seen. */
enum PetalColor {
    SNOWY(0xF8F6F3),
    IVORY(0xF4E7C2),
    LEMON(0xF8E550),
    GOLDEN(0xF6BC22),
    AMBER(0xEC9420),
    APRICOT(0xFAB583),
    TANGERINE(0xF36F24),
    CORAL(0xF57F70),
    SCARLET(0xDF2C25),
    CRIMSON(0xB01734),
    MAROON(0x7A1B2E),
    RUSSET(0xA84A22),
    BLUSH(0xF8C1C9),
    PINK(0xF086AE),
    MAGENTA(0xD0308F),
    LILAC(0xCDA8E2),
    LAVENDER(0x9F8FDC),
    VIOLET(0x7B42B8),
    PLUM(0x6C2564),
    INDIGO(0x443FA6),
    COBALT(0x3167CC),
    AZURE(0x82C1EE);

    private final Tint tint;

    PetalColor(int rgb) {
        tint = Tint.rgb(rgb);
    }

    Tint tint() {
        return tint;
    }

    String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}
