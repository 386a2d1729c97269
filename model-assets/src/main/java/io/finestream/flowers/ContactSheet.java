package io.finestream.flowers;

import java.awt.Color;
import java.awt.Font;
import java.awt.FontMetrics;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.imageio.ImageIO;

/**
 * A grid of images on a neutral ground, row by row, with optional labels and caption.
 *
 * <p>Labels and captions need a font on the machine (fontconfig and any TrueType font); a sheet without text does not.
 *
 * @param images any number, of any size; each is scaled to a square cell
 * @param columns images per row, at least 1
 * @param cellSize side of a cell in pixels, at least 1
 * @param rowLabels one text per row, left of it; may be empty or shorter than the number of rows
 * @param caption text below the grid; empty for none
 * @param smooth bicubic scaling instead of the nearest pixel
 */
public record ContactSheet(
        List<BufferedImage> images, int columns, int cellSize, List<String> rowLabels, String caption, boolean smooth) {

    private static final int GAP = 2;
    private static final int TEXT_MARGIN = 8;
    private static final Color GROUND = new Color(0xF2F2F0);
    private static final Color INK = new Color(0x333333);
    private static final Font FONT = new Font(Font.SANS_SERIF, Font.PLAIN, 13);

    /** Throws IllegalArgumentException where there are no images, or columns or cellSize are below 1. */
    public ContactSheet {
        if (images.isEmpty()) {
            throw new IllegalArgumentException("images is empty, expected at least 1; render some first");
        }
        requirePositive("columns", columns);
        requirePositive("cellSize", cellSize);
        images = List.copyOf(images);
        rowLabels = List.copyOf(rowLabels);
    }

    /** A sheet without text that shows every pixel as a square. */
    public static ContactSheet of(List<BufferedImage> images, int columns, int cellSize) {
        return new ContactSheet(images, columns, cellSize, List.of(), "", false);
    }

    public ContactSheet withRowLabels(List<String> labels) {
        return new ContactSheet(images, columns, cellSize, labels, caption, smooth);
    }

    public ContactSheet withCaption(String text) {
        return new ContactSheet(images, columns, cellSize, rowLabels, text, smooth);
    }

    /** Scales with bicubic interpolation, for photographs and large cells. */
    public ContactSheet smoothed() {
        return new ContactSheet(images, columns, cellSize, rowLabels, caption, true);
    }

    /** Draws the sheet; TYPE_INT_RGB. */
    public BufferedImage toImage() {
        int rows = (images.size() + columns - 1) / columns;
        int left = rowLabels.isEmpty() ? GAP : widestLabel() + 2 * TEXT_MARGIN;
        int pitch = cellSize + GAP;
        int captionHeight = caption.isEmpty() ? 0 : 2 * TEXT_MARGIN + FONT.getSize();
        BufferedImage sheet = new BufferedImage(
                left + columns * pitch, GAP + rows * pitch + captionHeight, BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = sheet.createGraphics();
        graphics.setColor(GROUND);
        graphics.fillRect(0, 0, sheet.getWidth(), sheet.getHeight());
        graphics.setRenderingHint(
                RenderingHints.KEY_INTERPOLATION,
                smooth
                        ? RenderingHints.VALUE_INTERPOLATION_BICUBIC
                        : RenderingHints.VALUE_INTERPOLATION_NEAREST_NEIGHBOR);
        for (int i = 0; i < images.size(); i++) {
            int x = left + i % columns * pitch;
            int y = GAP + i / columns * pitch;
            graphics.drawImage(images.get(i), x, y, cellSize, cellSize, null);
        }
        writeText(graphics, pitch, GAP + rows * pitch + TEXT_MARGIN + FONT.getSize());
        graphics.dispose();
        return sheet;
    }

    /** Writes a PNG file and the folders above it. */
    public void writePng(Path file) throws IOException {
        Path folder = file.toAbsolutePath().getParent();
        if (folder != null) {
            Files.createDirectories(folder);
        }
        ImageIO.write(toImage(), "png", file.toFile());
    }

    private void writeText(Graphics2D graphics, int pitch, int captionBaseline) {
        if (rowLabels.isEmpty() && caption.isEmpty()) {
            return; // leaves the fonts of the machine alone
        }
        graphics.setRenderingHint(RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
        graphics.setColor(INK);
        graphics.setFont(FONT);
        int rise = FONT.getSize() / 3; // from the middle of the letters to their baseline
        for (int row = 0; row < rowLabels.size(); row++) {
            graphics.drawString(rowLabels.get(row), TEXT_MARGIN, GAP + row * pitch + cellSize / 2 + rise);
        }
        graphics.drawString(caption, TEXT_MARGIN, captionBaseline);
    }

    private int widestLabel() {
        Graphics2D graphics = new BufferedImage(1, 1, BufferedImage.TYPE_INT_RGB).createGraphics();
        FontMetrics metrics = graphics.getFontMetrics(FONT);
        graphics.dispose();
        return rowLabels.stream().mapToInt(metrics::stringWidth).max().orElse(0);
    }

    private static void requirePositive(String what, int value) {
        if (value < 1) {
            throw new IllegalArgumentException(
                    what + " is " + value + ", expected 1 or more; set it to what the page holds");
        }
    }
}
