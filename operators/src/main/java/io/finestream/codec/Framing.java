package io.finestream.codec;

import java.awt.Rectangle;
import java.awt.image.BufferedImage;

/** How an image of any shape becomes a square. */
public enum Framing {

    /** The middle of it, as {@link Images#centreCrop} cuts it out. */
    CENTRE_CROP {
        @Override
        public BufferedImage square(BufferedImage image, int side) {
            return Images.centreCrop(image, side);
        }

        @Override
        Rectangle part(int width, int height) {
            int longest = LONGEST_PART * Math.min(width, height);
            int partWidth = Math.min(width, longest);
            int partHeight = Math.min(height, longest);
            return new Rectangle((width - partWidth) / 2, (height - partHeight) / 2, partWidth, partHeight);
        }

        @Override
        int fitted(int width, int height) {
            return Math.min(width, height);
        }
    },

    /** All of it, as {@link Images#pad} fits it in. */
    PAD {
        @Override
        public BufferedImage square(BufferedImage image, int side) {
            return Images.pad(image, side);
        }

        @Override
        Rectangle part(int width, int height) {
            return new Rectangle(width, height);
        }

        @Override
        int fitted(int width, int height) {
            return Math.max(width, height);
        }
    };

    /** Of a crop, in its shorter sides: enough that the square comes from the middle, in bounded memory. */
    private static final int LONGEST_PART = 4;

    /**
     * The image as a square of {@code side} pixels, without transparency.
     *
     * @return of type {@link BufferedImage#TYPE_INT_RGB}
     */
    public abstract BufferedImage square(BufferedImage image, int side);

    /** What of an image of this size is looked at. */
    abstract Rectangle part(int width, int height);

    /** The one of an image's sides that becomes the side of the square. */
    abstract int fitted(int width, int height);
}
