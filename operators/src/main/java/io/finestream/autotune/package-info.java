/**
 * Finds the arithmetic, the kernels and the size of a batch that a machine computes fastest with. What may change a
 * result's bits is chosen once for a machine and a network, and kept; see {@link io.finestream.autotune.ComputeSettings}.
 */
@NullMarked
package io.finestream.autotune;

import org.jspecify.annotations.NullMarked;
