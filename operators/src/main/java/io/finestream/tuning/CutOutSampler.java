package io.finestream.tuning;

import java.util.List;
import java.util.SplittableRandom;

/**
 * Draws batches for a classifier. Batch k depends on the seed and k alone, so that a resumed run goes on as if it had
 * never stopped.
 *
 * @param data what the network learns, drawn evenly over classes
 * @param batchSize images
 */
public record CutOutSampler(CutOuts data, int batchSize, long seed) {

    /**
     * Labeled pictures.
     *
     * @param images [B, 3, H, W] flattened, about −1 to 1
     * @param subclasses fine label of each
     * @param superclasses coarse label of each
     */
    public record Batch(float[] images, long[] subclasses, long[] superclasses) {}

    public Batch batch(long step) {
        SplittableRandom random = new SplittableRandom(seed * 1_000_003 + step);
        Augmentation augmentation = new Augmentation(data.imageSize());
        int numbers = 3 * data.imageSize() * data.imageSize();
        float[] images = new float[batchSize * numbers];
        long[] subclasses = new long[batchSize];
        long[] superclasses = new long[batchSize];
        for (int b = 0; b < batchSize; b++) {
            int subclass = random.nextInt(data.images().size());
            List<byte[]> ofClass = data.images().get(subclass);
            augmentation.write(ofClass.get(random.nextInt(ofClass.size())), random, images, b * numbers);
            subclasses[b] = subclass;
            superclasses[b] = data.taxonomy().superclassOf(subclass);
        }
        return new Batch(images, subclasses, superclasses);
    }
}
