package io.finestream.flowers;

import static io.finestream.flowers.PetalColor.*;

import java.util.List;
import java.util.Locale;

/** The superclasses: eleven families, each with a silhouette and petal colours of its own. */
public enum FlowerFamily {
    DAISY(new Daisy(), SNOWY, PINK, LEMON, AZURE, CORAL, LILAC, IVORY, MAGENTA, APRICOT, LAVENDER),
    SUNFLOWER(new Sunflower(), GOLDEN, RUSSET, LEMON, MAROON, AMBER, IVORY, SCARLET, TANGERINE, CORAL),
    ROSE(new Rose(), CRIMSON, BLUSH, LEMON, PINK, SNOWY, SCARLET, APRICOT, MAGENTA, IVORY, LILAC, CORAL),
    LILY(new Lily(), TANGERINE, SNOWY, MAGENTA, GOLDEN, PINK, CRIMSON, IVORY, LILAC, SCARLET, APRICOT, LEMON),
    TULIP(new Tulip(), SCARLET, LEMON, VIOLET, PINK, SNOWY, TANGERINE, PLUM, APRICOT, MAGENTA, GOLDEN, LILAC),
    PANSY(new Pansy(), VIOLET, GOLDEN, AZURE, CRIMSON, SNOWY, INDIGO, APRICOT, MAGENTA, LEMON, LAVENDER, COBALT),
    POPPY(new Poppy(), SCARLET, APRICOT, PINK, GOLDEN, SNOWY, TANGERINE, LILAC, CRIMSON, LEMON, CORAL, MAGENTA),
    BELLFLOWER(new Bellflower(), VIOLET, AZURE, SNOWY, INDIGO, PINK, LAVENDER, COBALT, LILAC, PLUM, BLUSH),
    ALLIUM(new Allium(), VIOLET, PINK, SNOWY, LAVENDER, MAGENTA, AZURE, GOLDEN, PLUM, LILAC, COBALT),
    LOTUS(new Lotus(), PINK, SNOWY, LILAC, LEMON, MAGENTA, AZURE, CORAL, IVORY, VIOLET, BLUSH, CRIMSON),
    BLOSSOM(new Blossom(), BLUSH, SNOWY, PINK, IVORY, CORAL, LILAC, MAGENTA, APRICOT, LAVENDER);

    private final FlowerDrawing drawing;
    private final List<PetalColor> colors;

    FlowerFamily(FlowerDrawing drawing, PetalColor... colors) {
        this.drawing = drawing;
        this.colors = List.of(colors);
    }

    /** The lower-case English name, the third word of every species' name: {@code "poppy"}. */
    public String displayName() {
        return name().toLowerCase(Locale.ROOT);
    }

    FlowerDrawing drawing() {
        return drawing;
    }

    /** Neighbours in this list differ clearly, since consecutive species take consecutive colours. */
    List<PetalColor> colors() {
        return colors;
    }
}
