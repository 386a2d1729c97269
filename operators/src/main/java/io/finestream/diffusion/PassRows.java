package io.finestream.diffusion;

import io.finestream.dit.DiTConfig;
import io.finestream.dit.Label;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The rows of one pass of the network: a row with the fine label for each sample that asks for a prediction, then a row
 * with the coarse label for each of them that is guided. There are N samples and R rows.
 *
 * @param labels per row
 * @param t timestep per row
 * @param asked the samples that ask, F of them
 * @param guided which of those F each coarse row belongs to
 * @param fineRow where each sample's fine row is; R, a row of zeros behind them, where it does not ask
 * @param coarseRow where each sample's coarse row is; its fine row where it is not guided
 * @param scale guidance scale per sample and channel, [N, C] flattened; 1 where it is not guided
 */
record PassRows(
        List<Label> labels, int[] t, long[] asked, long[] guided, long[] fineRow, long[] coarseRow, float[] scale) {

    /**
     * Lays the samples out.
     *
     * @param steps of each sample
     */
    static PassRows of(DiTConfig config, List<SampleSpec> samples, List<SamplingPlan.Step> steps) {
        int n = samples.size();
        int channels = config.inChannels();
        List<Label> labels = new ArrayList<>();
        List<Integer> sample = new ArrayList<>();
        long[] fineRow = new long[n];
        for (int i = 0; i < n; i++) {
            fineRow[i] = steps.get(i).asks() ? labels.size() : -1;
            if (steps.get(i).asks()) {
                labels.add(Label.subclass(samples.get(i).subclass()));
                sample.add(i);
            }
        }
        long[] coarseRow = fineRow.clone();
        float[] scale = new float[n * channels];
        Arrays.fill(scale, 1);
        for (int i = 0; i < n; i++) {
            Guidance guidance = samples.get(i).guidance();
            if (steps.get(i).asks() && guidance.usesCoarse(steps.get(i).t())) {
                coarseRow[i] = labels.size();
                labels.add(guidance.coarseLabel(config, samples.get(i).superclass()));
                sample.add(i);
                Arrays.fill(scale, i * channels, i * channels + guidance.channels(), (float) guidance.scale());
            }
        }
        int rows = labels.size();
        int fine = (int) Arrays.stream(fineRow).filter(row -> row >= 0).count();
        return new PassRows(
                labels,
                sample.stream().mapToInt(i -> steps.get(i).t()).toArray(),
                sample.subList(0, fine).stream().mapToLong(i -> i).toArray(),
                sample.subList(fine, rows).stream().mapToLong(i -> fineRow[i]).toArray(),
                Arrays.stream(fineRow).map(row -> row < 0 ? rows : row).toArray(),
                Arrays.stream(coarseRow).map(row -> row < 0 ? rows : row).toArray(),
                scale);
    }

    int size() {
        return labels.size();
    }
}
