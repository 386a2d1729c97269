package io.finestream.cli;

import io.finestream.diffusion.Guidance;
import io.finestream.diffusion.Sampler;

/**
 * How images come out of noise, whatever their class.
 *
 * @param steps that a trajectory takes
 * @param seed of the noise
 */
record Sampling(Sampler sampler, int steps, Guidance guidance, long seed) {}
