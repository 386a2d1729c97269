package io.finestream.flowers;

/**
 * A ring of threads with a dot at each end.
 *
 * @param length of the threads, in flower units
 * @param dot radius of the dots, in flower units
 */
record Stamens(int count, double length, double dot, Tint thread, Tint end) {

    private static final double THREAD_WIDTH = 0.03;

    void paint(Brush brush, Jitter jitter) {
        for (int i = 0; i < count; i++) {
            double angle = 2 * Math.PI * (i + 0.5) / count + jitter.around(0.3 / count);
            double reach = length * (1 + jitter.around(0.04));
            double x = reach * Math.sin(angle);
            double y = -reach * Math.cos(angle);
            brush.line(0, 0, x, y, thread, THREAD_WIDTH);
            brush.dot(x, y, dot, end);
        }
    }
}
