package io.finestream.flowers;

import java.awt.BasicStroke;
import java.awt.Graphics2D;
import java.awt.Paint;
import java.awt.Shape;
import java.awt.geom.Ellipse2D;
import java.awt.geom.Line2D;

/** Paints in flower units within a frame of its own; a moved or turned brush leaves the original where it was. */
final class Brush {

    private final Graphics2D graphics;

    Brush(Graphics2D graphics) {
        this.graphics = graphics;
    }

    Brush moved(double x, double y) {
        Graphics2D frame = (Graphics2D) graphics.create();
        frame.translate(x, y);
        return new Brush(frame);
    }

    Brush turned(double angle) {
        Graphics2D frame = (Graphics2D) graphics.create();
        frame.rotate(angle);
        return new Brush(frame);
    }

    Brush scaled(double factor) {
        Graphics2D frame = (Graphics2D) graphics.create();
        frame.scale(factor, factor);
        return new Brush(frame);
    }

    void fill(Shape shape, Paint paint) {
        graphics.setPaint(paint);
        graphics.fill(shape);
    }

    void stroke(Shape line, Paint paint, double width) {
        graphics.setPaint(paint);
        graphics.setStroke(new BasicStroke((float) width, BasicStroke.CAP_ROUND, BasicStroke.JOIN_ROUND));
        graphics.draw(line);
    }

    void line(double fromX, double fromY, double toX, double toY, Tint tint, double width) {
        stroke(new Line2D.Double(fromX, fromY, toX, toY), tint.opaque(), width);
    }

    void dot(double x, double y, double radius, Tint tint) {
        fill(circle(x, y, radius), tint.opaque());
    }

    static Shape circle(double x, double y, double radius) {
        return new Ellipse2D.Double(x - radius, y - radius, 2 * radius, 2 * radius);
    }
}
