package io.finestream.tuning;

import io.finestream.diffusion.Noise;
import io.finestream.dit.Label;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Draws training batches. Batch k depends on the seed and k alone, so that a resumed run goes on as if it had never
 * stopped.
 *
 * @param data images, drawn evenly over classes
 * @param batchSize rows
 * @param labelDropout probability that a row's subclass is replaced by its superclass
 * @param mirror whether images are flipped left to right at random
 * @param timesteps T of the noise schedule
 */
public record BatchSampler(
        ImageFolder data, int batchSize, double labelDropout, boolean mirror, int timesteps, long seed) {

    public TrainingBatch batch(long step) {
        SplittableRandom random = new SplittableRandom(seed * 1_000_003 + step);
        int size = 3 * data.imageSize() * data.imageSize();
        float[] x0 = new float[batchSize * size];
        int[] t = new int[batchSize];
        List<Label> labels = new ArrayList<>();
        for (int b = 0; b < batchSize; b++) {
            int subclass = random.nextInt(data.images().size());
            int image = random.nextInt(data.images().get(subclass).size());
            data.write(subclass, image, mirror && random.nextBoolean(), x0, b * size);
            // one timestep from each of batchSize equal slices: uniform, with less variance than independent draws
            t[b] = (int) (timesteps * ((b + random.nextDouble()) / batchSize));
            labels.add(
                    random.nextDouble() < labelDropout
                            ? Label.superclass(data.taxonomy().superclassOf(subclass))
                            : Label.subclass(subclass));
        }
        float[] noise = Noise.SEEDED.normal(seed, 0, Math.toIntExact(step), batchSize * size);
        return new TrainingBatch(x0, noise, t, labels);
    }
}
