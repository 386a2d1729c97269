package io.finestream.metrics;

import java.util.List;

/**
 * Shape of an {@link ImageClassifier}.
 *
 * @param imageSize side of the images that it was trained on, in pixels; a multiple of {@link #downsampling}
 * @param channels of each level; each level has half the sides of the one before, the first half those of the image
 * @param blocks residual blocks of each level
 * @param groups of every GroupNorm; divides every number of channels
 * @param subclasses fine classes
 * @param superclasses coarse classes
 */
public record ClassifierConfig(
        int imageSize, List<Integer> channels, List<Integer> blocks, int groups, int subclasses, int superclasses) {

    /** Channels, blocks and groups of a network with about 0.7 million parameters, for images of 64 x 64 pixels. */
    public static final List<Integer> DEFAULT_CHANNELS = List.of(32, 64, 128);

    public static final List<Integer> DEFAULT_BLOCKS = List.of(1, 1, 2);
    public static final int DEFAULT_GROUPS = 8;

    private static final int MOST_LEVELS = 8;

    /** Throws IllegalArgumentException with the value and the range. */
    public ClassifierConfig {
        channels = List.copyOf(channels);
        blocks = List.copyOf(blocks);
        requireAtLeastOne("groups", groups);
        requireAtLeastOne("subclasses", subclasses);
        requireAtLeastOne("superclasses", superclasses);
        if (channels.isEmpty() || channels.size() > MOST_LEVELS) {
            throw new IllegalArgumentException(
                    "channels has " + channels.size() + " levels, expected 1.." + MOST_LEVELS);
        }
        if (blocks.size() != channels.size()) {
            throw new IllegalArgumentException("blocks has " + blocks.size() + " levels, channels has "
                    + channels.size() + "; give a number for each level");
        }
        for (int level = 0; level < channels.size(); level++) {
            requireAtLeastOne("blocks", blocks.get(level));
            if (channels.get(level) < 1 || channels.get(level) % groups != 0) {
                throw new IllegalArgumentException(
                        "channels holds " + channels.get(level) + ", expected multiples of groups, which is " + groups);
            }
        }
        int cell = 1 << channels.size();
        if (imageSize < cell || imageSize % cell != 0) {
            throw new IllegalArgumentException("image size is " + imageSize + ", expected a multiple of " + cell
                    + ", because " + channels.size() + " levels halve it");
        }
    }

    /** Pixels per cell of the feature map, on each side. */
    public int downsampling() {
        return 1 << channels.size();
    }

    /** F, the length of a feature vector. */
    public int features() {
        return channels.get(channels.size() - 1);
    }

    private static void requireAtLeastOne(String name, int value) {
        if (value < 1) {
            throw new IllegalArgumentException(name + " is " + value + ", expected at least 1");
        }
    }
}
