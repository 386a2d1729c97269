/**
 * Model files: safetensors, PyTorch checkpoints, the model directory, and the mapping between checkpoints and the network's
 * parameters.
 */
@NullMarked
package io.finestream.weights;

import org.jspecify.annotations.NullMarked;
