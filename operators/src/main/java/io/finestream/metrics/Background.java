package io.finestream.metrics;

import java.util.Arrays;
import java.util.Comparator;
import java.util.PriorityQueue;

/**
 * Finds what is behind the thing in a picture and paints it mid-grey, so that pictures are compared by the thing alone.
 * The background is taken for what is reached from the border over slowly changing colours; the thing has an outline.
 */
public final class Background {

    private static final float GREY = 0;
    private static final float STEP = 0.07f; // the most that a colour may differ from the background next to it
    private static final float MEMORY = 0.5f; // share of the background so far in that of the next pixel
    private static final int SHORTEST_EDGE_SHARE = 8; // of the side: what is shorter at the border may be a stem

    private final float[] planes;
    private final int side;
    private final int area;
    private final boolean[] found;

    private Background(float[] planes, int side) {
        this.planes = planes;
        this.side = side;
        area = side * side;
        found = new boolean[area];
        if (planes.length != 3 * area) {
            throw new IllegalArgumentException("an image of " + side + " x " + side + " needs " + 3 * area
                    + " numbers, there are " + planes.length);
        }
    }

    /**
     * A copy of the picture with the background in mid-grey.
     *
     * @param planes [3, side, side] flattened, −1 to 1
     * @param side in pixels
     */
    public static float[] neutralised(float[] planes, int side) {
        boolean[] background = mask(planes, side);
        float[] neutral = planes.clone();
        for (int i = 0; i < planes.length; i++) {
            if (background[i % background.length]) {
                neutral[i] = GREY;
            }
        }
        return neutral;
    }

    /** @return [side, side] flattened, true for background */
    static boolean[] mask(float[] planes, int side) {
        Background background = new Background(planes, side);
        background.grow();
        return background.found;
    }

    private record Candidate(int pixel, float difference, float red, float green, float blue) {}

    private void grow() {
        PriorityQueue<Candidate> next = new PriorityQueue<>(Comparator.comparingDouble(Candidate::difference));
        for (int pixel : seeds()) {
            next.add(new Candidate(pixel, 0, planes[pixel], planes[area + pixel], planes[2 * area + pixel]));
        }
        while (!next.isEmpty()) {
            Candidate candidate = next.remove();
            int pixel = candidate.pixel();
            if (found[pixel]) {
                continue;
            }
            found[pixel] = true;
            float red = mixed(candidate.red(), planes[pixel]);
            float green = mixed(candidate.green(), planes[area + pixel]);
            float blue = mixed(candidate.blue(), planes[2 * area + pixel]);
            int x = pixel % side;
            int y = pixel / side;
            for (int neighbour : new int[] {
                x > 0 ? pixel - 1 : pixel,
                x < side - 1 ? pixel + 1 : pixel,
                y > 0 ? pixel - side : pixel,
                y < side - 1 ? pixel + side : pixel
            }) {
                float difference = difference(neighbour, red, green, blue);
                if (!found[neighbour] && difference <= STEP) {
                    next.add(new Candidate(neighbour, difference, red, green, blue));
                }
            }
        }
    }

    private static float mixed(float before, float here) {
        return MEMORY * before + (1 - MEMORY) * here;
    }

    private float difference(int pixel, float red, float green, float blue) {
        return Math.max(
                Math.abs(planes[pixel] - red),
                Math.max(Math.abs(planes[area + pixel] - green), Math.abs(planes[2 * area + pixel] - blue)));
    }

    /** The pixels of the border, but for short stretches between two edges: there the thing leaves the picture. */
    private int[] seeds() {
        int[] ring = ring();
        boolean[] isSeed = new boolean[ring.length];
        int firstEdge = 0;
        while (firstEdge < ring.length && !isEdge(ring, firstEdge)) {
            firstEdge++;
        }
        if (firstEdge == ring.length) {
            return ring;
        }
        int start = firstEdge;
        for (int i = firstEdge + 1; i <= firstEdge + ring.length; i++) {
            if (isEdge(ring, i)) {
                for (int k = start; k < i && i - start >= side / SHORTEST_EDGE_SHARE; k++) {
                    isSeed[k % ring.length] = true;
                }
                start = i;
            }
        }
        int[] seeds = new int[ring.length];
        int count = 0;
        for (int i = 0; i < ring.length; i++) {
            if (isSeed[i]) {
                seeds[count++] = ring[i];
            }
        }
        return Arrays.copyOf(seeds, count);
    }

    /** Whether the colour changes between a pixel of the ring and the one before it. */
    private boolean isEdge(int[] ring, int i) {
        int before = ring[(i + ring.length - 1) % ring.length];
        int here = ring[i % ring.length];
        return difference(here, planes[before], planes[area + before], planes[2 * area + before]) > STEP;
    }

    /** The pixels of the border, clockwise. */
    private int[] ring() {
        int[] ring = new int[4 * (side - 1)];
        for (int i = 0; i < side - 1; i++) {
            ring[i] = i;
            ring[side - 1 + i] = i * side + side - 1;
            ring[2 * (side - 1) + i] = area - 1 - i;
            ring[3 * (side - 1) + i] = (side - 1 - i) * side;
        }
        return ring;
    }
}
