package io.finestream.diffusion;

import io.finestream.dit.DiTConfig;
import io.finestream.dit.Label;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The rows of one pass of the network: a row with the fine label for each of N samples, then a row with the coarse label
 * for each that is guided.
 *
 * @param labels per row
 * @param t timestep per row
 * @param guided which sample each coarse row belongs to
 * @param coarseRow where each sample's coarse row is; its fine row where it is not guided
 * @param scale guidance scale per sample and channel, [N, C] flattened; 1 where it is not guided
 */
record PassRows(List<Label> labels, int[] t, long[] guided, long[] coarseRow, float[] scale) {

    /**
     * Lays the samples out.
     *
     * @param timesteps of each sample
     */
    static PassRows of(DiTConfig config, List<SampleSpec> samples, int[] timesteps) {
        int n = samples.size();
        int channels = config.inChannels();
        List<Label> labels = new ArrayList<>();
        samples.forEach(sample -> labels.add(Label.subclass(sample.subclass())));
        List<Integer> guided = new ArrayList<>();
        long[] coarseRow = new long[n];
        float[] scale = new float[n * channels];
        Arrays.fill(scale, 1);
        for (int i = 0; i < n; i++) {
            Guidance guidance = samples.get(i).guidance();
            coarseRow[i] = i;
            if (guidance.usesCoarse(timesteps[i])) {
                coarseRow[i] = labels.size();
                labels.add(guidance.coarseLabel(config, samples.get(i).superclass()));
                guided.add(i);
                Arrays.fill(scale, i * channels, i * channels + guidance.channels(), (float) guidance.scale());
            }
        }
        int[] t = Arrays.copyOf(timesteps, labels.size());
        Arrays.setAll(t, row -> row < n ? timesteps[row] : timesteps[guided.get(row - n)]);
        long[] sampleOfCoarse = guided.stream().mapToLong(i -> i).toArray();
        return new PassRows(labels, t, sampleOfCoarse, coarseRow, scale);
    }
}
