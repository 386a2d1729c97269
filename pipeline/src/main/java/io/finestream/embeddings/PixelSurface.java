package io.finestream.embeddings;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.Shape;
import java.awt.font.TextLayout;
import java.awt.geom.AffineTransform;
import java.awt.geom.Ellipse2D;
import java.awt.image.BufferedImage;

/** A picture of pixels. */
final class PixelSurface implements Surface {

    private static final float HALO = 4;

    private final BufferedImage image;
    private final Graphics2D graphics;

    PixelSurface(int width, int height) {
        image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        graphics = image.createGraphics();
        graphics.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
        graphics.setRenderingHint(RenderingHints.KEY_STROKE_CONTROL, RenderingHints.VALUE_STROKE_PURE);
        graphics.setColor(Color.decode(MapDrawing.PAPER));
        graphics.fillRect(0, 0, width, height);
    }

    @Override
    public void disc(double x, double y, double radius, String color, String kind, String title) {
        Shape disc = new Ellipse2D.Double(x - radius, y - radius, 2 * radius, 2 * radius);
        graphics.setColor(Color.decode(color));
        graphics.fill(disc);
        graphics.setColor(Color.decode(MapDrawing.PAPER));
        graphics.setStroke(new BasicStroke(1));
        graphics.draw(disc);
    }

    @Override
    public void text(double x, double y, String text, int size, boolean bold, Anchor anchor) {
        if (text.isEmpty()) {
            return; // which a layout can not be made of
        }
        Font font = new Font(Font.SANS_SERIF, bold ? Font.BOLD : Font.PLAIN, size);
        TextLayout layout = new TextLayout(text, font, graphics.getFontRenderContext());
        double left = anchor == Anchor.MIDDLE ? x - layout.getAdvance() / 2 : x;
        Shape outline = layout.getOutline(AffineTransform.getTranslateInstance(left, y));
        graphics.setColor(Color.decode(MapDrawing.PAPER));
        graphics.setStroke(new BasicStroke(HALO, BasicStroke.CAP_ROUND, BasicStroke.JOIN_ROUND));
        graphics.draw(outline);
        graphics.setColor(Color.decode(MapDrawing.INK));
        graphics.fill(outline);
    }

    /** What has been drawn; nothing can be drawn any more. */
    BufferedImage image() {
        graphics.dispose();
        return image;
    }
}
