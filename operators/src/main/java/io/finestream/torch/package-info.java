/**
 * The thin binding to what DJL does not expose.
 *
 * <p>Ownership of native memory, once for the whole project: frozen weights live in a capped manager, trainable ones in
 * an uncapped one; a denoising or training step opens one child manager in try-with-resources and everything it makes
 * dies with it; a callee never closes its arguments; a result belongs to the manager that the caller passed.
 */
@NullMarked
package io.finestream.torch;

import org.jspecify.annotations.NullMarked;
