package io.finestream.tuning;

import io.finestream.diffusion.Noise;
import io.finestream.diffusion.NoiseSchedule;
import io.finestream.dit.DiTConfig;
import io.finestream.dit.Label;
import io.finestream.dit.Taxonomy;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Draws training batches. Batch k depends on the seed and k alone, so that a resumed run goes on as if it had never
 * stopped.
 *
 * @param data what the network learns, drawn evenly over its classes: any of the network's
 * @param taxonomy the network's classes, found by name
 * @param config of the network
 * @param batchSize rows
 * @param labelDropout probability that a row's subclass is replaced by its superclass
 * @param timesteps which noise levels, of {@code schedule}
 */
public record BatchSampler(
        Latents data,
        Taxonomy taxonomy,
        DiTConfig config,
        int batchSize,
        double labelDropout,
        Timesteps timesteps,
        NoiseSchedule schedule,
        long seed) {

    public TrainingBatch batch(long step) {
        SplittableRandom random = new SplittableRandom(seed * 1_000_003 + step);
        int size = data.size();
        float[] x0 = new float[batchSize * size];
        int[] t = timesteps.draw(batchSize, schedule, random);
        List<Label> labels = new ArrayList<>();
        for (int b = 0; b < batchSize; b++) {
            int subclass = random.nextInt(data.bySubclass().size());
            List<float[]> latents = data.bySubclass().get(subclass);
            System.arraycopy(latents.get(random.nextInt(latents.size())), 0, x0, b * size, size);
            int row = taxonomy.subclass(data.taxonomy().subclassName(subclass));
            labels.add(
                    random.nextDouble() < labelDropout
                            ? Label.superclass(config.superclassRow(taxonomy.superclassOf(row)))
                            : Label.subclass(row));
        }
        float[] noise = Noise.SEEDED.normal(seed, 0, Math.toIntExact(step), batchSize * size);
        return new TrainingBatch(x0, noise, t, labels);
    }
}
