package io.finestream.cli;

import io.finestream.flowers.ContactSheet;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Collects images and draws them on one sheet: a labeled row per class where that comes out even, a square otherwise. */
final class ImageGrid {

    /** Further images are left out. */
    static final int MOST_IMAGES = 400;

    private static final int MOST_COLUMNS = 16;
    private static final int SMALLEST_CELL = 64;

    private final Map<String, List<BufferedImage>> byLabel = new LinkedHashMap<>();
    private int size;

    void add(String label, BufferedImage image) {
        if (size < MOST_IMAGES) {
            byLabel.computeIfAbsent(label, l -> new ArrayList<>()).add(image);
            size++;
        }
    }

    boolean isEmpty() {
        return size == 0;
    }

    /** Writes a PNG file; the labels are left out on a machine without fonts. */
    void write(Path file) throws IOException {
        List<BufferedImage> images =
                byLabel.values().stream().flatMap(List::stream).toList();
        int perLabel = byLabel.values().iterator().next().size();
        boolean even = byLabel.values().stream().allMatch(row -> row.size() == perLabel);
        boolean rows = even && (perLabel > 1 || images.size() == 1) && perLabel <= MOST_COLUMNS;
        int side = images.get(0).getWidth();
        int cell = side * Math.max(1, (SMALLEST_CELL + side - 1) / side);
        int columns = rows ? perLabel : (int) Math.ceil(Math.sqrt(images.size()));
        ContactSheet sheet = ContactSheet.of(images, columns, cell);
        if (!rows) {
            sheet.writePng(file);
            return;
        }
        try {
            sheet.withRowLabels(List.copyOf(byLabel.keySet())).writePng(file);
        } catch (RuntimeException | LinkageError | InternalError noFonts) { // what AWT throws depends on the JDK
            sheet.writePng(file);
        }
    }
}
