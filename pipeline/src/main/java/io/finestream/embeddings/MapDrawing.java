package io.finestream.embeddings;

import io.finestream.embeddings.ClassMap.Place;
import io.finestream.embeddings.ClassMap.Subclass;
import io.finestream.embeddings.ClassMap.Superclass;
import java.awt.geom.Rectangle2D;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import javax.imageio.ImageIO;

/** The map as a picture: points by superclass, larger ones for the superclasses with their names, and a legend. */
public final class MapDrawing {

    static final String PAPER = "#ffffff";
    static final String INK = "#23202a";

    private static final int WIDTH = 920;
    private static final int HEIGHT = 700;
    private static final int MARGIN = 28;
    private static final int TITLE_HEIGHT = 64;
    private static final int LEGEND_WIDTH = 190;
    private static final int LEGEND_LINE = 21;
    private static final int LEGEND_NAME = 24; // characters
    private static final int TITLE_SIZE = 19;
    private static final int TEXT_SIZE = 13;
    private static final double CHARACTER_WIDTH = 0.6 * TEXT_SIZE;
    private static final double SUPERCLASS_RADIUS = 8.5;
    private static final double LARGEST_RADIUS = 4.5;
    private static final double SMALLEST_RADIUS = 1.8;
    private static final double RADIUS_OF_ONE = 70; // by the root of how many there are

    private final ClassMap map;
    private final double scale; // pixels of the map's longer side
    private final double left;
    private final double top;

    private MapDrawing(ClassMap map) {
        this.map = map;
        double width = WIDTH - LEGEND_WIDTH - 3 * MARGIN;
        double height = HEIGHT - TITLE_HEIGHT - MARGIN;
        double right = extent(map, true);
        double bottom = extent(map, false);
        scale = Math.min(right > 0 ? width / right : width, bottom > 0 ? height / bottom : height);
        left = MARGIN + (width - right * scale) / 2;
        top = TITLE_HEIGHT + (height - bottom * scale) / 2;
    }

    private static double extent(ClassMap map, boolean horizontal) {
        List<Place> places = new ArrayList<>();
        map.classes().forEach(subclass -> places.add(subclass.place()));
        for (Superclass superclass : map.superclasses()) {
            if (superclass.place() != null) {
                places.add(superclass.place());
            }
        }
        return places.stream()
                .mapToDouble(place -> horizontal ? place.x() : place.y())
                .max()
                .orElse(0);
    }

    /**
     * Writes the picture.
     *
     * @param file in the format that its name ends with, {@code .svg} or {@code .png}
     */
    public static void write(ClassMap map, Path file) throws IOException {
        MapDrawing drawing = new MapDrawing(map);
        if (isSvg(file)) {
            SvgSurface surface = new SvgSurface(WIDTH, HEIGHT, drawing.title());
            drawing.draw(surface);
            Files.writeString(file, surface.document());
        } else {
            PixelSurface surface = new PixelSurface(WIDTH, HEIGHT);
            drawing.draw(surface);
            ImageIO.write(surface.image(), "png", file.toFile());
        }
    }

    /** Whether {@link #write} knows the format that the file's name ends with. */
    public static boolean canWrite(Path file) {
        return isSvg(file) || endsWith(file, ".png");
    }

    private static boolean isSvg(Path file) {
        return endsWith(file, ".svg");
    }

    private static boolean endsWith(Path file, String end) {
        return file.toString().toLowerCase(Locale.ROOT).endsWith(end);
    }

    private String title() {
        return "The classes of " + map.model();
    }

    private void draw(Surface surface) {
        surface.text(MARGIN, 30, title(), TITLE_SIZE, true, Surface.Anchor.START);
        String what = "%,d label rows in the plane (%s, seed %d); near is alike to the network"
                .formatted(map.classes().size() + map.superclasses().size(), map.method(), map.seed());
        surface.text(MARGIN, 50, what, TEXT_SIZE, false, Surface.Anchor.START);
        double root = Math.sqrt(Math.max(1, map.classes().size()));
        double radius = Math.max(SMALLEST_RADIUS, Math.min(LARGEST_RADIUS, RADIUS_OF_ONE / root));
        for (Subclass subclass : map.classes()) {
            Superclass superclass = map.superclasses().get(subclass.superclass());
            String name = subclass.name() + " (" + superclass.name() + ")";
            disc(surface, subclass.place(), radius, superclass.color(), "subclass", name);
        }
        for (Superclass superclass : map.superclasses()) {
            if (superclass.place() != null) {
                disc(
                        surface,
                        superclass.place(),
                        SUPERCLASS_RADIUS,
                        superclass.color(),
                        "superclass",
                        superclass.name());
            }
        }
        drawNames(surface);
        drawLegend(surface);
    }

    private void disc(Surface surface, Place place, double radius, String color, String kind, String title) {
        surface.disc(left + place.x() * scale, top + place.y() * scale, radius, color, kind, title);
    }

    /** A name that would lie on another is left to the legend. */
    private void drawNames(Surface surface) {
        List<Rectangle2D> taken = new ArrayList<>();
        for (Superclass superclass : map.superclasses()) {
            if (superclass.place() == null) {
                continue;
            }
            String name = shortened(superclass.name());
            double half = name.length() * CHARACTER_WIDTH / 2;
            double middle = left + superclass.place().x() * scale;
            double x = Math.max(half + 2, Math.min(WIDTH - LEGEND_WIDTH - half, middle));
            double y = top + superclass.place().y() * scale - SUPERCLASS_RADIUS - 4;
            Rectangle2D box = new Rectangle2D.Double(x - half, y - TEXT_SIZE, 2 * half, TEXT_SIZE + 2.0);
            if (taken.stream().noneMatch(box::intersects)) {
                taken.add(box);
                surface.text(x, y, name, TEXT_SIZE, true, Surface.Anchor.MIDDLE);
            }
        }
    }

    private void drawLegend(Surface surface) {
        int x = WIDTH - LEGEND_WIDTH - MARGIN / 2;
        int lines = (HEIGHT - TITLE_HEIGHT - MARGIN) / LEGEND_LINE;
        int all = map.superclasses().size();
        int shown = all <= lines ? all : lines - 1;
        for (int i = 0; i < shown; i++) {
            Superclass superclass = map.superclasses().get(i);
            int y = TITLE_HEIGHT + LEGEND_LINE * (i + 1);
            surface.disc(x, y - 4, 6, superclass.color(), "legend", superclass.name());
            surface.text(x + 14, y, shortened(superclass.name()), TEXT_SIZE, false, Surface.Anchor.START);
        }
        if (shown < all) {
            int y = TITLE_HEIGHT + LEGEND_LINE * (shown + 1);
            surface.text(x + 14, y, "and %d more".formatted(all - shown), TEXT_SIZE, false, Surface.Anchor.START);
        }
    }

    private static String shortened(String name) {
        return name.length() <= LEGEND_NAME ? name : name.substring(0, LEGEND_NAME - 1) + "…";
    }
}
