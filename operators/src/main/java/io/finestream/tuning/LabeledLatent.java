package io.finestream.tuning;

/**
 * A labeled image as the network sees it.
 *
 * @param id names the image
 * @param subclass row of its class in the subclass table
 * @param latent [C, H, W] flattened
 */
public record LabeledLatent(String id, int subclass, float[] latent) {}
