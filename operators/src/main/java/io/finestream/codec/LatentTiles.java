package io.finestream.codec;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import java.util.function.BiFunction;

/**
 * Decodes a large latent in tiles of equal size, so that the memory is that of one tile. Neighbours overlap, and where
 * they do the image goes over from one to the other linearly.
 *
 * @param side the most cells of a tile on each side; a latent that is no larger is one tile
 * @param overlap the fewest cells that neighbours have in common
 */
record LatentTiles(int side, int overlap) {

    /**
     * 512 pixels at eight pixels per cell: DiT's larger resolution is decoded whole, as its authors do. The convolutions
     * of a decoder like Stable Diffusion's reach 17 cells, so with an overlap of 16 what lies beyond a tile's border is
     * missed only by cells that weigh little.
     */
    static final LatentTiles DEFAULT = new LatentTiles(64, 16);

    private static final int IMAGE_CHANNELS = 3;

    /** Throws IllegalArgumentException unless at most two tiles overlap anywhere. */
    LatentTiles {
        if (overlap < 1 || side < 4 * overlap) {
            throw new IllegalArgumentException(
                    "tiles of " + side + " cells overlap by " + overlap + ", expected 1 to a quarter of the side");
        }
    }

    /** Whether a latent is one tile. */
    boolean hold(Shape latent) {
        return latent.get(2) <= side && latent.get(3) <= side;
    }

    /**
     * @param z [N, C, H, W]
     * @param f pixels per cell, on each side
     * @param decoder of a tile [N, C, h, w] to pixels [N, 3, h·f, w·f]; the manager is the result's
     * @return [N, 3, H·f, W·f]
     */
    NDArray decode(NDArray z, int f, BiFunction<NDManager, NDArray, NDArray> decoder) {
        Shape shape = z.getShape();
        Axis down = axis((int) shape.get(2));
        Axis across = axis((int) shape.get(3));
        NDArray image = z.getManager()
                .zeros(new Shape(shape.get(0), IMAGE_CHANNELS, (long) down.length() * f, (long) across.length() * f));
        for (int row = 0; row < down.tiles(); row++) {
            for (int column = 0; column < across.tiles(); column++) {
                try (NDManager m = z.getManager().newSubManager()) {
                    NDArray tile = z.get(index(down, row, across, column, 1)); // [N, C, h, w]
                    tile.attach(m);
                    NDArray heights = m.create(down.weights(row, f)).reshape(-1, 1);
                    NDArray widths = m.create(across.weights(column, f));
                    NDArray pixels = decoder.apply(m, tile).mul(heights.mul(widths)); // [N, 3, h·f, w·f]
                    NDIndex place = index(down, row, across, column, f);
                    NDArray before = image.get(place);
                    before.attach(m);
                    image.set(place, before.add(pixels));
                }
            }
        }
        return image;
    }

    private static NDIndex index(Axis down, int row, Axis across, int column, int f) {
        int top = down.start(row) * f;
        int left = across.start(column) * f;
        return new NDIndex(":, :, {}:{}, {}:{}", top, top + down.tile() * f, left, left + across.tile() * f);
    }

    /** As few tiles as will do, and no larger than they have to be. */
    Axis axis(int length) {
        int tiles = length <= side ? 1 : ceilDiv(length - overlap, side - overlap);
        return new Axis(length, tiles, ceilDiv(length + (tiles - 1) * overlap, tiles));
    }

    private static int ceilDiv(int a, int b) {
        return (a + b - 1) / b;
    }

    /**
     * The tiles of one direction.
     *
     * @param length of the latent, in cells
     * @param tiles how many
     * @param tile cells of each
     */
    record Axis(int length, int tiles, int tile) {

        /** The first cell of a tile. */
        int start(int i) {
            return tiles == 1 ? 0 : i * (length - tile) / (tiles - 1);
        }

        /** Cells that tile {@code i} has in common with the one before; 0 for the first. */
        int overlap(int i) {
            return i == 0 ? 0 : start(i - 1) + tile - start(i);
        }

        /** What each of a tile's pixels counts: with those of its neighbours 1. */
        float[] weights(int i, int f) {
            float[] weights = new float[tile * f];
            int before = overlap(i) * f;
            int after = i + 1 < tiles ? overlap(i + 1) * f : 0;
            for (int p = 0; p < weights.length; p++) {
                int fromEnd = weights.length - 1 - p;
                float weight = 1;
                if (p < before) {
                    weight = (p + 0.5f) / before;
                } else if (fromEnd < after) {
                    weight = (fromEnd + 0.5f) / after;
                }
                weights[p] = weight;
            }
            return weights;
        }
    }
}
