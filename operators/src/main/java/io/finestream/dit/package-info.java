/**
 * The Diffusion Transformer of Peebles and Xie (arXiv 2212.09748) with the tiered label tables of FineDiffusion (arXiv
 * 2402.18331).
 *
 * <p>Axis legend: B rows of a batch, T tokens, D width, C channels, H and W latent cells, P patch size. Lines that make
 * a tensor end in its shape.
 */
@NullMarked
package io.finestream.dit;

import org.jspecify.annotations.NullMarked;
