package io.finestream.tuning;

import io.finestream.dit.Label;
import java.util.List;

/**
 * What one optimizer step learns from.
 *
 * @param x0 clean latents, [B, C, H, W] flattened
 * @param noise standard normal numbers, [B, C, H, W] flattened
 * @param t timestep per row, 0..999
 * @param labels label per row, after label dropout
 */
public record TrainingBatch(float[] x0, float[] noise, int[] t, List<Label> labels) {}
