/**
 * Diffusion mathematics: the noise schedule, samplers as stateless steps, guidance, the training loss, and the batch of
 * trajectories in flight. Nothing here knows Flink.
 *
 * <p>Symbols: {@code alphaBar} (ᾱ_t, the signal's share of the variance), {@code beta}, {@code eps} (ε, the noise),
 * {@code x0} (the clean latent), {@code t} (timestep 0..999, 0 is the cleanest).
 */
@NullMarked
package io.finestream.diffusion;

import org.jspecify.annotations.NullMarked;
