package io.finestream.metrics;

import java.util.Arrays;
import java.util.List;

/**
 * How far images are from others, pixel by pixel.
 *
 * @param images compared
 * @param identical of them, to the last bit
 * @param mean of the absolute differences of all levels, of 255
 * @param largest of the absolute differences
 */
public record PixelDifference(int images, int identical, double mean, int largest) {

    /**
     * Compares each image with its counterpart.
     *
     * @param a per image one byte per level, 0 to 255
     * @param b as many, as long
     * @throws IllegalArgumentException if there are none, or they do not match
     */
    public static PixelDifference between(List<byte[]> a, List<byte[]> b) {
        if (a.isEmpty() || a.size() != b.size()) {
            throw new IllegalArgumentException("there are " + a.size() + " images and " + b.size()
                    + " to compare them with, expected as many, and at least 1");
        }
        int identical = 0;
        int largest = 0;
        double sum = 0;
        long levels = 0;
        for (int i = 0; i < a.size(); i++) {
            byte[] one = a.get(i);
            byte[] other = b.get(i);
            if (one.length != other.length) {
                throw new IllegalArgumentException("image " + i + " has " + one.length + " levels, its counterpart "
                        + other.length + "; expected images of one size");
            }
            identical += Arrays.equals(one, other) ? 1 : 0;
            levels += one.length;
            for (int j = 0; j < one.length; j++) {
                int difference = Math.abs((one[j] & 0xff) - (other[j] & 0xff));
                sum += difference;
                largest = Math.max(largest, difference);
            }
        }
        return new PixelDifference(a.size(), identical, sum / levels, largest);
    }
}
