/**
 * The Flink operators. They move requests, trajectories and images, and do no tensor arithmetic: that is {@link
 * io.finestream.diffusion.DenoiseBatch}'s.
 */
@NullMarked
package io.finestream.flink;

import org.jspecify.annotations.NullMarked;
